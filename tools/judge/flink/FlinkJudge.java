import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.StringJoiner;
import java.util.function.Consumer;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.runtime.minicluster.MiniCluster;
import org.apache.flink.runtime.minicluster.MiniClusterConfiguration;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.TableEnvironment;
import org.apache.flink.table.api.TableResult;
import org.apache.paimon.fs.local.LocalFileIO;
import org.apache.paimon.shade.jackson2.com.fasterxml.jackson.databind.JsonNode;
import org.apache.paimon.shade.jackson2.com.fasterxml.jackson.databind.node.ObjectNode;
import org.apache.paimon.table.FileStoreTable;
import org.apache.paimon.table.FileStoreTableFactory;
import org.apache.paimon.types.DataField;

/**
 * Flink behind the requests that the Java judge takes: a mini-cluster in this process, driven by SQL.
 *
 * <pre>
 * read     snapshot | tag | timestamp, branch, select, options
 * write    rows: file of JSON lines, all inserted or all deleted; overwrite: {}
 * compact  full is always true
 * tag      name, snapshot
 * sql      statement; {t} in it is the table; streaming: false
 * start    job, statement: a streaming job that goes on by itself; rows that it returns are kept
 * taken    job: {kind, row} of the rows kept since the last time
 * await    job: until it ends
 * stop     job: cancels it
 * </pre>
 */
public final class FlinkJudge {

    private final Map<Boolean, TableEnvironment> environments = new HashMap<>();
    private final Map<String, FlinkJob> jobs = new HashMap<>();
    private final List<String> catalogs = new ArrayList<>();

    private final Configuration client;

    private FlinkJudge(MiniCluster cluster) {
        this.client = clientOf(cluster);
        FlinkContext.use(client);
    }

    public static void main(String[] requests) throws Exception {
        Judge.serve(requests, new FlinkJudge(start())::run);
    }

    private void run(JsonNode request, Consumer<JsonNode> answer) throws Exception {
        switch (request.get("command").asText()) {
            case "read":
                String columns = request.hasNonNull("select") ? quoted(request.get("select")) : "*";
                query("SELECT " + columns + " FROM " + name(request) + hints(request), request, answer);
                break;
            case "write":
                write(request, answer);
                break;
            case "compact":
                query("CALL sys.compact(`table` => '" + plain(request) + "')", request, answer);
                break;
            case "tag":
                String tag = "CALL sys.create_tag('" + plain(request) + "', '" + request.get("name").asText() + "'";
                query(tag + (request.hasNonNull("snapshot") ? ", " + request.get("snapshot") : "") + ")", request, row -> {});
                break;
            case "sql":
                query(statement(request), request, answer);
                break;
            case "start":
                jobs.put(job(request), new FlinkJob(environment(request, true).executeSql(statement(request))));
                break;
            case "taken":
                jobs.get(job(request)).taken(answer);
                break;
            case "await":
                jobs.remove(job(request)).await();
                break;
            case "stop":
                jobs.remove(job(request)).stop();
                break;
            default:
                throw new IllegalArgumentException("Flink is not asked for " + request.get("command"));
        }
    }

    // ---- names

    private static String job(JsonNode request) {
        return request.get("job").asText();
    }

    private static Path folder(JsonNode request) {
        return Paths.get(request.get("table").asText());
    }

    private static String plain(JsonNode request) {
        String database = folder(request).getParent().getFileName().toString();
        return database.substring(0, database.length() - ".db".length()) + "." + folder(request).getFileName();
    }

    private static String name(JsonNode request) {
        String[] parts = plain(request).split("\\.", 2);
        String branch = request.hasNonNull("branch") ? request.get("branch").asText() : "main";
        return "`" + parts[0] + "`.`" + parts[1] + (branch.equals("main") ? "`" : "$branch_" + branch + "`");
    }

    private static String statement(JsonNode request) {
        return request.get("statement").asText().replace("{t}", name(request));
    }

    private static String quoted(JsonNode columns) {
        StringJoiner joined = new StringJoiner(", ");
        columns.forEach(each -> joined.add("`" + each.asText() + "`"));
        return joined.toString();
    }

    private static String hints(JsonNode request) {
        StringJoiner joined = new StringJoiner(", ", " /*+ OPTIONS(", ") */").setEmptyValue("");
        String[][] times = {
            {"snapshot", "scan.snapshot-id"}, {"tag", "scan.tag-name"}, {"timestamp", "scan.timestamp-millis"}
        };
        for (String[] time : times) {
            if (request.hasNonNull(time[0])) {
                joined.add("'" + time[1] + "' = '" + request.get(time[0]).asText() + "'");
            }
        }
        if (request.has("options")) {
            request.get("options")
                    .fields()
                    .forEachRemaining(each -> joined.add("'" + each.getKey() + "' = '" + each.getValue().asText() + "'"));
        }
        return joined.toString();
    }

    // ---- running

    private TableEnvironment environment(JsonNode request, boolean streaming) {
        TableEnvironment environment = environments.computeIfAbsent(streaming, this::environment);
        String warehouse = folder(request).getParent().getParent().toString();
        use(environment, warehouse, streaming);
        return environment;
    }

    /** One cluster for all statements; by itself Flink would start one for each. */
    private static MiniCluster start() throws Exception {
        Configuration settings = new Configuration();
        settings.setString("rest.bind-port", "0");
        settings.setString("rest.bind-address", "127.0.0.1");
        settings.setString("rest.address", "127.0.0.1");
        // The library behind s3:// keeps the class loader of the job that used it first.
        settings.setString("classloader.check-leaked-classloader", "false");
        MiniClusterConfiguration.Builder one = new MiniClusterConfiguration.Builder().setConfiguration(settings);
        MiniCluster cluster = new MiniCluster(one.setNumTaskManagers(1).setNumSlotsPerTaskManager(16).build());
        cluster.start();
        return cluster;
    }

    private static Configuration clientOf(MiniCluster cluster) {
        Configuration settings = new Configuration();
        settings.setString("execution.target", "remote");
        settings.setString("execution.attached", "true");
        settings.setString("rest.address", "127.0.0.1");
        settings.setString("rest.port", String.valueOf(cluster.getRestAddress().join().getPort()));
        settings.setString("parallelism.default", "2");
        settings.setString("classloader.check-leaked-classloader", "false");
        return settings;
    }

    private TableEnvironment environment(boolean streaming) {
        Configuration settings = new Configuration(client);
        settings.setString("table.dml-sync", String.valueOf(!streaming));
        settings.setString("table.local-time-zone", "UTC");
        settings.setString("execution.checkpointing.interval", "300ms");
        EnvironmentSettings.Builder builder = EnvironmentSettings.newInstance().withConfiguration(settings);
        return TableEnvironment.create((streaming ? builder.inStreamingMode() : builder.inBatchMode()).build());
    }

    private void use(TableEnvironment environment, String warehouse, boolean streaming) {
        String key = streaming + warehouse;
        if (!catalogs.contains(key)) {
            catalogs.add(key);
            environment.executeSql(
                    "CREATE CATALOG c" + catalogs.indexOf(key) + " WITH ('type' = 'paimon', 'cache-enabled' = 'false', "
                            + "'warehouse' = '" + warehouse.replace("'", "''") + "')");
        }
        environment.useCatalog("c" + catalogs.indexOf(key));
    }

    private void query(String statement, JsonNode request, Consumer<JsonNode> answer) throws Exception {
        boolean streaming = request.has("streaming") && request.get("streaming").asBoolean();
        FlinkJob.rows(environment(request, streaming).executeSql(statement), answer);
    }

    // ---- writing: the rows go into a table of their own, and from there through Flink

    private void write(JsonNode request, Consumer<JsonNode> answer) throws Exception {
        String target = name(request);
        Path staging = Files.createTempDirectory("flink").resolve("staged.db").resolve("rows");
        boolean delete = stage(request, staging);
        TableEnvironment environment = environment(request, false);
        String own = environment.getCurrentCatalog();
        use(environment, staging.getParent().getParent().toString(), false);
        String staged = "`" + environment.getCurrentCatalog() + "`.`staged`.`rows`";
        environment.useCatalog(own);
        String statement = "INSERT " + (request.hasNonNull("overwrite") ? "OVERWRITE " : "INTO ") + target + " SELECT * FROM " + staged;
        TableResult result = environment.executeSql(delete ? deletion(request, target, staged) : statement);
        result.await();
    }

    private static String deletion(JsonNode request, String target, String staged) {
        FileStoreTable table = open(folder(request));
        StringJoiner same = new StringJoiner(" AND ");
        table.primaryKeys().forEach(each -> same.add(target + ".`" + each + "` = s.`" + each + "`"));
        return "DELETE FROM " + target + " WHERE EXISTS (SELECT 1 FROM " + staged + " AS s WHERE " + same + ")";
    }

    private static FileStoreTable open(Path folder) {
        return FileStoreTableFactory.create(LocalFileIO.create(), new org.apache.paimon.fs.Path(folder.toString()));
    }

    /** Puts the request's rows into a new append table; returns whether they are to be deleted. */
    private static boolean stage(JsonNode request, Path staging) throws Exception {
        List<String> lines = Files.readAllLines(Paths.get(request.get("rows").asText()));
        List<String> bare = new ArrayList<>();
        int deletes = 0;
        for (String line : lines) {
            JsonNode node = Judge.JSON.readTree(line);
            deletes += node.path("kind").asText("+I").equals("-D") ? 1 : 0;
            bare.add((node.has("row") ? node.get("row") : node).toString());
        }
        if (deletes > 0 && deletes < lines.size()) {
            throw new UnsupportedOperationException("one statement of Flink inserts or deletes, not both");
        }
        Path rows = Files.createTempFile("flink", ".jsonl");
        Files.write(rows, bare);
        ObjectNode schema = Judge.JSON.createObjectNode();
        for (DataField field : open(folder(request)).rowType().getFields()) {
            JsonNode written = Judge.JSON.readTree(org.apache.paimon.utils.JsonSerdeUtil.toFlatJson(field));
            schema.withArray("fields").addObject().put("name", field.name()).set("type", written.get("type"));
        }
        schema.putObject("options").put("bucket", "-1");
        ObjectNode create = Judge.JSON.createObjectNode().put("command", "create").put("table", staging.toString());
        create.set("schema", schema);
        ObjectNode write = Judge.JSON.createObjectNode().put("command", "write").put("table", staging.toString());
        write.put("rows", rows.toString());
        for (ObjectNode each : List.of(create, write)) {
            try (TableJob job = new TableJob(each, row -> {})) {
                job.run();
            }
        }
        return deletes > 0;
    }
}
