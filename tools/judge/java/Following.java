import java.util.function.Consumer;
import org.apache.paimon.data.InternalRow;
import org.apache.paimon.disk.IOManager;
import org.apache.paimon.reader.RecordReaderIterator;
import org.apache.paimon.shade.jackson2.com.fasterxml.jackson.databind.JsonNode;
import org.apache.paimon.shade.jackson2.com.fasterxml.jackson.databind.node.ObjectNode;
import org.apache.paimon.table.FileStoreTable;
import org.apache.paimon.table.source.ReadBuilder;
import org.apache.paimon.table.source.Split;
import org.apache.paimon.table.source.StreamTableScan;
import org.apache.paimon.types.RowType;

/** The engine's own streaming read: plans until none is left, moving the consumer that the options name. */
final class Following {

    private Following() {}

    /** Answers {@code {kind, row}} for each row; {@code plans} bounds how many plans are read. */
    static void run(FileStoreTable table, IOManager spill, JsonNode request, Consumer<JsonNode> answer)
            throws Exception {
        int plans = request.has("plans") ? request.get("plans").asInt() : Integer.MAX_VALUE;
        ReadBuilder builder = table.newReadBuilder();
        RowType type = builder.readType();
        StreamTableScan scan = builder.newStreamScan();
        Long latest = table.snapshotManager().latestSnapshotId();
        for (int i = 0; i < plans; i++) {
            for (Split split : scan.plan().splits()) {
                try (RecordReaderIterator<InternalRow> rows =
                        new RecordReaderIterator<>(builder.newRead().withIOManager(spill).createReader(split))) {
                    while (rows.hasNext()) {
                        InternalRow row = rows.next();
                        ObjectNode node = Judge.JSON.createObjectNode();
                        node.put("kind", row.getRowKind().shortString()).set("row", Values.row(type, row));
                        answer.accept(node);
                    }
                }
            }
            scan.notifyCheckpointComplete(scan.checkpoint());
            if (latest == null || (scan.checkpoint() != null && scan.checkpoint() > latest)) {
                return;
            }
        }
    }
}
