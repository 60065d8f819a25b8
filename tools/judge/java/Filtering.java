import java.util.ArrayList;
import java.util.List;
import org.apache.paimon.predicate.Predicate;
import org.apache.paimon.predicate.PredicateBuilder;
import org.apache.paimon.shade.jackson2.com.fasterxml.jackson.databind.JsonNode;
import org.apache.paimon.types.RowType;

/**
 * The predicate of a request: {@code [[column, operator, literal…], …]}, all of which must hold. The engine's
 * reader may return rows that do not meet it, as it does to those that run queries on it.
 */
final class Filtering {

    private Filtering() {}

    static Predicate of(RowType type, JsonNode conditions) {
        List<Predicate> all = new ArrayList<>();
        conditions.forEach(each -> all.add(condition(type, each)));
        return PredicateBuilder.and(all);
    }

    private static Predicate condition(RowType type, JsonNode parts) {
        PredicateBuilder builder = new PredicateBuilder(type);
        int column = type.getFieldNames().indexOf(parts.get(0).asText());
        List<Object> values = new ArrayList<>();
        for (int place = 2; place < parts.size(); place++) {
            values.add(Values.parse(type.getTypeAt(column), parts.get(place)));
        }
        switch (parts.get(1).asText()) {
            case "=":
                return builder.equal(column, values.get(0));
            case "!=":
                return builder.notEqual(column, values.get(0));
            case "<":
                return builder.lessThan(column, values.get(0));
            case "<=":
                return builder.lessOrEqual(column, values.get(0));
            case ">":
                return builder.greaterThan(column, values.get(0));
            case ">=":
                return builder.greaterOrEqual(column, values.get(0));
            case "in":
                return builder.in(column, values);
            case "is null":
                return builder.isNull(column);
            case "is not null":
                return builder.isNotNull(column);
            default:
                throw new IllegalArgumentException("no operator " + parts.get(1).asText());
        }
    }
}
