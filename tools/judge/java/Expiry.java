import java.time.Duration;
import org.apache.paimon.options.ExpireConfig;
import org.apache.paimon.shade.jackson2.com.fasterxml.jackson.databind.JsonNode;
import org.apache.paimon.table.ExpireSnapshots;
import org.apache.paimon.table.FileStoreTable;

/** The engine's own expiry, with the numbers of a request. */
final class Expiry {

    private Expiry() {}

    /** Expires snapshots, then, where changelogs outlive them, changelogs; the sum of both numbers. */
    static int run(FileStoreTable table, JsonNode request) {
        int max = request.get("retainMax").asInt();
        int min = request.get("retainMin").asInt();
        int changelogs = request.has("changelogMax") ? request.get("changelogMax").asInt() : max;
        ExpireConfig config =
                ExpireConfig.builder()
                        .snapshotRetainMax(max)
                        .snapshotRetainMin(min)
                        .snapshotTimeRetain(Duration.ofMillis(1))
                        .snapshotMaxDeletes(request.has("limit") ? request.get("limit").asInt() : 1000)
                        .changelogRetainMax(changelogs)
                        .changelogRetainMin(min)
                        .changelogTimeRetain(Duration.ofMillis(1))
                        .changelogMaxDeletes(1000)
                        .build();
        ExpireSnapshots snapshots = table.newExpireSnapshots();
        int gone = snapshots.config(config).expire();
        if (config.isChangelogDecoupled()) {
            gone += table.newExpireChangelog().config(config).expire();
        }
        return gone;
    }
}
