import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.util.function.Consumer;
import org.apache.paimon.shade.jackson2.com.fasterxml.jackson.databind.JsonNode;
import org.apache.paimon.shade.jackson2.com.fasterxml.jackson.databind.ObjectMapper;
import org.apache.paimon.shade.jackson2.com.fasterxml.jackson.databind.node.ArrayNode;

/**
 * The door to the Java engine: requests in, answers out, one JSON text per line.
 *
 * <p>A request is an object: {@code {"command": "read", "table": "/path/of/the/table", …}}; {@link TableJob}
 * lists the commands. An answer is any number of {@code ["row", …]} lines and then {@code ["end"]} or {@code
 * ["error", "Class: message"]}. Requests come from the command line, one per argument, or, when there are
 * none, from standard input until it ends, so that one JVM serves many of them.
 */
public final class Judge {

    static final ObjectMapper JSON = new ObjectMapper();

    /** What carries out a request. */
    interface Work {
        void run(JsonNode request, Consumer<JsonNode> answer) throws Exception;
    }

    private final PrintStream out;
    private final Work work;

    private Judge(PrintStream out, Work work) {
        this.out = out;
        this.work = work;
    }

    public static void main(String[] requests) throws Exception {
        serve(
                requests,
                (request, answer) -> {
                    try (TableJob job = new TableJob(request, answer)) {
                        job.run();
                    }
                });
    }

    /** Answers the requests, or those of standard input when there are none, and ends the process. */
    static void serve(String[] requests, Work work) throws Exception {
        // The engine's loggers must not mix with the answers.
        PrintStream answers = new PrintStream(System.out, false, "UTF-8");
        System.setOut(System.err);
        Judge judge = new Judge(answers, work);
        boolean good = true;
        if (requests.length > 0) {
            for (String request : requests) {
                good &= judge.answer(request);
            }
        } else {
            BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                judge.answer(line);
            }
        }
        // Pools of the engine keep threads that are not daemons.
        Runtime.getRuntime().halt(good ? 0 : 1);
    }

    private boolean answer(String line) throws Exception {
        try {
            JsonNode request = JSON.readTree(line);
            work.run(request, row -> say("row", row));
            say("end", null);
            return true;
        } catch (Throwable failure) {
            StringWriter trace = new StringWriter();
            failure.printStackTrace(new PrintWriter(trace));
            System.err.println(trace);
            say("error", JSON.getNodeFactory().textNode(describe(failure)));
            return false;
        }
    }

    private void say(String tag, JsonNode value) {
        ArrayNode line = JSON.createArrayNode().add(tag);
        if (value != null) {
            line.add(value);
        }
        out.println(line);
        if (!tag.equals("row")) {
            out.flush();
        }
    }

    private static String describe(Throwable failure) {
        Throwable root = failure;
        while (root.getCause() != null) {
            root = root.getCause();
        }
        return root.getClass().getSimpleName() + ": " + root.getMessage();
    }
}
