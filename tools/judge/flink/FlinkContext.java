import org.apache.flink.configuration.Configuration;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/** Lets procedures run on the cluster that the statements run on, not on one of their own. */
final class FlinkContext extends StreamExecutionEnvironment {

    private FlinkContext() {}

    static void use(Configuration cluster) {
        initializeContextEnvironment(
                settings -> {
                    Configuration all = new Configuration(settings);
                    all.addAll(cluster);
                    return new StreamExecutionEnvironment(all);
                });
    }
}
