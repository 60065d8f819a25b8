import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.apache.flink.table.api.ResultKind;
import org.apache.flink.table.api.TableResult;
import org.apache.flink.table.api.internal.TableResultInternal;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.util.CloseableIterator;
import org.apache.paimon.flink.FlinkRowWrapper;
import org.apache.paimon.flink.LogicalTypeConversion;
import org.apache.paimon.shade.jackson2.com.fasterxml.jackson.databind.JsonNode;
import org.apache.paimon.shade.jackson2.com.fasterxml.jackson.databind.node.ObjectNode;
import org.apache.paimon.types.RowType;

/** A statement that Flink goes on with while other requests are answered. */
final class FlinkJob {

    private final TableResult result;
    private final List<JsonNode> kept = new ArrayList<>();
    private volatile boolean stopped;
    private volatile Throwable failure;

    FlinkJob(TableResult result) {
        this.result = result;
        if (result.getResultKind() == ResultKind.SUCCESS_WITH_CONTENT && !inserts(result)) {
            Thread reader = new Thread(this::keep, "rows");
            reader.setDaemon(true);
            reader.start();
        }
    }

    /** Answers the rows of a statement that ends by itself. */
    static void rows(TableResult result, Consumer<JsonNode> answer) throws Exception {
        if (inserts(result)) {
            result.await();
            return;
        }
        RowType type = typeOf(result);
        try (CloseableIterator<RowData> rows = ((TableResultInternal) result).collectInternal()) {
            while (rows.hasNext()) {
                answer.accept(Values.row(type, new FlinkRowWrapper(rows.next())));
            }
        }
    }

    /** Answers what came since the last time, each row with its kind. */
    void taken(Consumer<JsonNode> answer) throws Exception {
        if (failure != null) {
            throw new IllegalStateException(failure);
        }
        synchronized (kept) {
            kept.forEach(answer);
            kept.clear();
        }
    }

    void await() throws Exception {
        result.await();
    }

    void stop() throws Exception {
        stopped = true;
        result.getJobClient().orElseThrow().cancel().get();
    }

    /** An INSERT answers with one number for each sink, -1, when its job is submitted. */
    private static boolean inserts(TableResult result) {
        return result.getResolvedSchema().getColumnCount() == 1
                && result.getResolvedSchema().getColumnNames().get(0).startsWith("default_")
                || result.getResolvedSchema().getColumnNames().stream().allMatch(each -> each.matches("c\\d+\\..*"));
    }

    private static RowType typeOf(TableResult result) {
        LogicalType type = result.getResolvedSchema().toPhysicalRowDataType().getLogicalType();
        return (RowType) LogicalTypeConversion.toDataType(type);
    }

    private void keep() {
        RowType type = typeOf(result);
        try (CloseableIterator<RowData> rows = ((TableResultInternal) result).collectInternal()) {
            while (rows.hasNext()) {
                RowData row = rows.next();
                ObjectNode node = Judge.JSON.createObjectNode();
                node.put("kind", row.getRowKind().shortString()).set("row", Values.row(type, new FlinkRowWrapper(row)));
                synchronized (kept) {
                    kept.add(node);
                }
            }
        } catch (Throwable error) {
            failure = stopped ? null : error;
        }
    }
}
