import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import org.apache.paimon.data.BinaryRow;
import org.apache.paimon.disk.IOManager;
import org.apache.paimon.fs.local.LocalFileIO;
import org.apache.paimon.io.DataFileMeta;
import org.apache.paimon.manifest.ManifestEntry;
import org.apache.paimon.reader.RecordReaderIterator;
import org.apache.paimon.schema.Schema;
import org.apache.paimon.schema.SchemaManager;
import org.apache.paimon.shade.jackson2.com.fasterxml.jackson.databind.JsonNode;
import org.apache.paimon.shade.jackson2.com.fasterxml.jackson.databind.node.ObjectNode;
import org.apache.paimon.table.BucketMode;
import org.apache.paimon.table.FileStoreTable;
import org.apache.paimon.table.FileStoreTableFactory;
import org.apache.paimon.table.sink.BatchTableCommit;
import org.apache.paimon.table.sink.BatchTableWrite;
import org.apache.paimon.table.sink.BatchWriteBuilder;
import org.apache.paimon.table.sink.CommitMessage;
import org.apache.paimon.table.source.DataSplit;
import org.apache.paimon.table.source.ReadBuilder;
import org.apache.paimon.table.source.Split;
import org.apache.paimon.types.DataTypeJsonParser;
import org.apache.paimon.types.RowKind;
import org.apache.paimon.types.RowType;
import org.apache.paimon.utils.Pair;

/**
 * One request about one table on local disk.
 *
 * <pre>
 * create   schema: {fields: [{name, type}], primaryKeys, partitionKeys, options}
 * read     snapshot | tag | timestamp, branch, select: [names], where: {@link Filtering}, options
 * write    rows: file of JSON lines, {kind, row} or bare rows; overwrite: {partition} or {}; options
 * compact  full: true, or what the engine would pick; options
 * stream   plans: at most; options      {kind, row} of the streaming read, to the latest snapshot
 * expire   retainMax, retainMin, limit, changelogMax: snapshots, then changelogs; how many went
 * delete_tag name
 * refer    action: tag | branch | fast-forward | rollback | ..., name, number, tag
 * statistics                           what ANALYZE left, as the engine reads it
 * files    snapshot                    live files of the snapshot
 * schema                               the engine's reading of the schema file
 * </pre>
 */
final class TableJob implements AutoCloseable {

    /** So that the engine compacts small tables too; the last one is what releases before 1.1 go by. */
    private static final Map<String, String> EAGER =
            Map.of("write-only", "false", "compaction.min.file-num", "2", "compaction.max.file-num", "2");

    private final JsonNode request;
    private final Consumer<JsonNode> answer;
    private final org.apache.paimon.fs.Path location;
    private final Path scratch;
    private final IOManager spill;

    TableJob(JsonNode request, Consumer<JsonNode> answer) throws Exception {
        this.request = request;
        this.answer = answer;
        this.location = new org.apache.paimon.fs.Path(Paths.get(word("table")).toAbsolutePath().toString());
        this.scratch = Files.createTempDirectory("judge");
        this.spill = IOManager.create(scratch.toString());
    }

    @Override
    public void close() throws Exception {
        spill.close();
        Files.deleteIfExists(scratch);
    }

    void run() throws Exception {
        String command = word("command");
        switch (command) {
            case "create":
                create();
                break;
            case "read":
                read();
                break;
            case "write":
                write();
                break;
            case "compact":
                compact();
                break;
            case "stream":
                Following.run(table(), spill, request, answer);
                break;
            case "expire":
                answer.accept(Judge.JSON.getNodeFactory().numberNode(Expiry.run(table(), request)));
                break;
            case "delete_tag":
                table().deleteTag(word("name"));
                break;
            case "refer":
                References.run(table(), request);
                break;
            case "statistics":
                answer.accept(References.statistics(table()));
                break;
            case "files":
                files();
                break;
            case "schema":
                answer.accept(Judge.JSON.readTree(table().schema().toString()));
                break;
            default:
                throw new IllegalArgumentException("no command " + command);
        }
    }

    // ---- the request

    private String word(String name) {
        return request.hasNonNull(name) ? request.get(name).asText() : null;
    }

    private static List<String> words(JsonNode node) {
        List<String> words = new ArrayList<>();
        if (node != null) {
            node.forEach(each -> words.add(each.asText()));
        }
        return words;
    }

    private static Map<String, String> entries(JsonNode node) {
        Map<String, String> entries = new LinkedHashMap<>();
        if (node != null) {
            node.fields().forEachRemaining(each -> entries.put(each.getKey(), each.getValue().asText()));
        }
        return entries;
    }

    /** The table with the request's time, branch and options. */
    private FileStoreTable table() {
        Map<String, String> options = entries(request.get("options"));
        String[][] times = {
            {"snapshot", "scan.snapshot-id"}, {"tag", "scan.tag-name"}, {"timestamp", "scan.timestamp-millis"}
        };
        for (String[] time : times) {
            if (word(time[0]) != null) {
                options.put(time[1], word(time[0]));
            }
        }
        FileStoreTable table = FileStoreTableFactory.create(LocalFileIO.create(), location);
        String branch = word("branch");
        if (branch != null && !branch.equals("main")) {
            table = table.switchToBranch(branch);
        }
        return options.isEmpty() ? table : table.copy(options);
    }

    // ---- commands

    private void create() throws Exception {
        JsonNode given = request.get("schema");
        Schema.Builder schema = Schema.newBuilder();
        for (JsonNode field : given.get("fields")) {
            schema.column(field.get("name").asText(), DataTypeJsonParser.parseDataType(field.get("type")));
        }
        schema.partitionKeys(words(given.get("partitionKeys")));
        schema.options(entries(given.get("options")));
        if (given.has("primaryKeys") && given.get("primaryKeys").size() > 0) {
            schema.primaryKey(words(given.get("primaryKeys")));
        }
        new SchemaManager(LocalFileIO.create(), location).createTable(schema.build());
    }

    private void read() throws Exception {
        FileStoreTable table = table();
        ReadBuilder builder = table.newReadBuilder();
        if (request.hasNonNull("select")) {
            List<String> columns = table.rowType().getFieldNames();
            builder.withProjection(words(request.get("select")).stream().mapToInt(columns::indexOf).toArray());
        }
        if (request.hasNonNull("where")) {
            builder.withFilter(Filtering.of(table.rowType(), request.get("where")));
        }
        RowType type = builder.readType();
        for (Split split : builder.newScan().plan().splits()) {
            try (RecordReaderIterator<org.apache.paimon.data.InternalRow> rows =
                    new RecordReaderIterator<>(builder.newRead().withIOManager(spill).createReader(split))) {
                while (rows.hasNext()) {
                    answer.accept(Values.row(type, rows.next()));
                }
            }
        }
    }

    private void write() throws Exception {
        FileStoreTable table = table();
        if (table.bucketMode() != BucketMode.HASH_FIXED && table.bucketMode() != BucketMode.BUCKET_UNAWARE) {
            throw new UnsupportedOperationException("the judge writes no table of mode " + table.bucketMode());
        }
        BatchWriteBuilder builder = table.newBatchWriteBuilder();
        if (request.hasNonNull("overwrite")) {
            builder.withOverwrite(entries(request.get("overwrite")));
        }
        try (BatchTableWrite write = builder.newWrite()) {
            write.withIOManager(spill);
            for (String line : Files.readAllLines(Paths.get(word("rows")))) {
                JsonNode node = Judge.JSON.readTree(line);
                RowKind kind = node.has("kind") ? kind(node.get("kind").asText()) : RowKind.INSERT;
                write.write(Values.parseRow(table.rowType(), node.has("row") ? node.get("row") : node, kind));
            }
            commit(builder, write.prepareCommit());
        }
    }

    private static RowKind kind(String text) {
        for (RowKind each : RowKind.values()) {
            if (each.shortString().equals(text)) {
                return each;
            }
        }
        throw new IllegalArgumentException("no row kind " + text);
    }

    private static void commit(BatchWriteBuilder builder, List<CommitMessage> messages) throws Exception {
        try (BatchTableCommit commit = builder.newCommit()) {
            commit.commit(messages);
        }
    }

    private void compact() throws Exception {
        FileStoreTable table = table().copy(EAGER);
        boolean full = !request.has("full") || request.get("full").asBoolean();
        BatchWriteBuilder builder = table.newBatchWriteBuilder();
        if (table.bucketMode() == BucketMode.BUCKET_UNAWARE) {
            commit(builder, AppendCompaction.run(table, spill));
            return;
        }
        Set<Pair<BinaryRow, Integer>> buckets = new LinkedHashSet<>();
        for (DataSplit split : table.newSnapshotReader().read().dataSplits()) {
            buckets.add(Pair.of(split.partition(), split.bucket()));
        }
        try (BatchTableWrite write = builder.newWrite()) {
            write.withIOManager(spill);
            for (Pair<BinaryRow, Integer> bucket : buckets) {
                write.compact(bucket.getLeft(), bucket.getRight(), full);
            }
            commit(builder, write.prepareCommit());
        }
    }

    private void files() {
        FileStoreTable table = table();
        Long latest = table.snapshotManager().latestSnapshotId();
        Long snapshot = word("snapshot") == null ? latest : Long.valueOf(word("snapshot"));
        if (snapshot == null) {
            return;
        }
        RowType keys = table.schema().logicalTrimmedPrimaryKeysType();
        for (ManifestEntry entry : table.store().newScan().withSnapshot(snapshot).plan().files()) {
            DataFileMeta file = entry.file();
            ObjectNode node = Judge.JSON.createObjectNode();
            node.set("partition", Values.row(table.store().partitionType(), entry.partition()));
            node.put("bucket", entry.bucket()).put("totalBuckets", entry.totalBuckets());
            node.put("file", file.fileName()).put("level", file.level()).put("rows", file.rowCount());
            node.put("bytes", file.fileSize()).put("schema", file.schemaId());
            node.put("minSequence", file.minSequenceNumber()).put("maxSequence", file.maxSequenceNumber());
            if (file.minKey().getFieldCount() > 0) {
                node.set("minKey", Values.row(keys, file.minKey()));
                node.set("maxKey", Values.row(keys, file.maxKey()));
            }
            answer.accept(node);
        }
    }
}
