import org.apache.paimon.shade.jackson2.com.fasterxml.jackson.databind.JsonNode;
import org.apache.paimon.shade.jackson2.com.fasterxml.jackson.databind.node.ObjectNode;
import org.apache.paimon.stats.Statistics;
import org.apache.paimon.table.FileStoreTable;

/** Tags, branches, rollbacks and statistics, by the engine's own hand. */
final class References {

    private References() {}

    /** Does what {@code action} says to {@code name}, from {@code tag} or {@code number}. */
    static void run(FileStoreTable table, JsonNode request) {
        String name = request.path("name").asText();
        switch (request.get("action").asText()) {
            case "tag":
                table.createTag(name, request.get("number").asLong());
                break;
            case "branch":
                table.createBranch(name, request.get("tag").asText());
                break;
            case "fast-forward":
                table.fastForward(name);
                break;
            case "rollback":
                table.rollbackTo(request.get("number").asLong());
                break;
            case "rollback to tag":
                table.rollbackTo(name);
                break;
            case "delete branch":
                table.deleteBranch(name);
                break;
            default:
                throw new IllegalArgumentException("no action " + request.get("action"));
        }
    }

    /** What the engine reads of the statistics that the latest snapshot names; nothing when there are none. */
    static JsonNode statistics(FileStoreTable table) {
        ObjectNode answer = Judge.JSON.createObjectNode();
        if (!table.statistics().isPresent()) {
            return answer;
        }
        Statistics found = table.statistics().get();
        answer.put("snapshot", found.snapshotId());
        answer.put("rows", found.mergedRecordCount().getAsLong());
        ObjectNode columns = answer.putObject("columns");
        found.colStats()
                .forEach(
                        (name, stats) -> {
                            ObjectNode column = columns.putObject(name);
                            stats.distinctCount().ifPresent(count -> column.put("distinct", count));
                            stats.nullCount().ifPresent(count -> column.put("nulls", count));
                            stats.min().ifPresent(least -> column.put("min", least.toString()));
                            stats.max().ifPresent(most -> column.put("max", most.toString()));
                        });
        return answer;
    }
}
