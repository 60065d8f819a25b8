import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.List;
import org.apache.paimon.disk.IOManager;
import org.apache.paimon.table.FileStoreTable;
import org.apache.paimon.table.sink.CommitMessage;

/**
 * Compaction of append tables without buckets. The engine's classes for it were renamed after 0.9, so they are
 * found by either name at run time: one source compiles against every release.
 */
final class AppendCompaction {

    private static final String[] COORDINATORS = {
        "org.apache.paimon.append.AppendCompactCoordinator",
        "org.apache.paimon.append.UnawareAppendTableCompactionCoordinator",
    };

    private AppendCompaction() {}

    static List<CommitMessage> run(FileStoreTable table, IOManager spill) throws Exception {
        Object coordinator =
                coordinatorClass()
                        .getConstructor(FileStoreTable.class, boolean.class)
                        .newInstance(table, false);
        Object writer = method(table.store(), "newWrite", 1).invoke(table.store(), "judge");
        List<CommitMessage> messages = new ArrayList<>();
        try {
            method(writer, "withIOManager", 1).invoke(writer, spill);
            for (Object task : (List<?>) method(coordinator, "run", 0).invoke(coordinator)) {
                messages.add((CommitMessage) method(task, "doCompact", 2).invoke(task, table, writer));
            }
        } finally {
            method(writer, "close", 0).invoke(writer);
        }
        return messages;
    }

    private static Class<?> coordinatorClass() throws ClassNotFoundException {
        for (String name : COORDINATORS) {
            try {
                return Class.forName(name);
            } catch (ClassNotFoundException absent) {
                continue;
            }
        }
        throw new ClassNotFoundException(String.join(" or ", COORDINATORS));
    }

    private static Method method(Object target, String name, int arity) throws NoSuchMethodException {
        for (Method each : target.getClass().getMethods()) {
            if (each.getName().equals(name) && each.getParameterCount() == arity && !each.isBridge()) {
                return each;
            }
        }
        throw new NoSuchMethodException(target.getClass() + "." + name + " with " + arity + " arguments");
    }
}
