import java.math.BigDecimal;
import java.math.MathContext;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.format.DateTimeFormatter;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Predicate;
import org.apache.paimon.data.BinaryString;
import org.apache.paimon.data.Decimal;
import org.apache.paimon.data.GenericArray;
import org.apache.paimon.data.GenericMap;
import org.apache.paimon.data.GenericRow;
import org.apache.paimon.data.InternalArray;
import org.apache.paimon.data.InternalMap;
import org.apache.paimon.data.InternalRow;
import org.apache.paimon.data.Timestamp;
import org.apache.paimon.shade.jackson2.com.fasterxml.jackson.databind.JsonNode;
import org.apache.paimon.shade.jackson2.com.fasterxml.jackson.databind.node.ArrayNode;
import org.apache.paimon.shade.jackson2.com.fasterxml.jackson.databind.node.ObjectNode;
import org.apache.paimon.types.ArrayType;
import org.apache.paimon.types.DataField;
import org.apache.paimon.types.DataType;
import org.apache.paimon.types.DataTypeChecks;
import org.apache.paimon.types.DecimalType;
import org.apache.paimon.types.IntType;
import org.apache.paimon.types.MapType;
import org.apache.paimon.types.MultisetType;
import org.apache.paimon.types.RowKind;
import org.apache.paimon.types.RowType;

/** Rows of the engine as canonical JSON (see the README beside this folder), and back. */
final class Values {

    private Values() {}

    // ---- engine to JSON

    static ObjectNode row(RowType type, InternalRow row) {
        ObjectNode node = Judge.JSON.createObjectNode();
        int position = 0;
        for (DataField field : type.getFields()) {
            Object value = InternalRow.createFieldGetter(field.type(), position++).getFieldOrNull(row);
            node.set(field.name(), value(field.type(), value));
        }
        return node;
    }

    private static JsonNode value(DataType type, Object value) {
        if (value == null) {
            return Judge.JSON.nullNode();
        }
        switch (type.getTypeRoot()) {
            case ARRAY:
                return array(((ArrayType) type).getElementType(), (InternalArray) value);
            case MAP:
                return pairs(((MapType) type).getKeyType(), ((MapType) type).getValueType(), (InternalMap) value);
            case MULTISET:
                return pairs(((MultisetType) type).getElementType(), new IntType(), (InternalMap) value);
            case ROW:
                return row((RowType) type, (InternalRow) value);
            default:
                return Judge.JSON.getNodeFactory().textNode(text(type, value));
        }
    }

    private static ArrayNode array(DataType type, InternalArray values) {
        InternalArray.ElementGetter getter = InternalArray.createElementGetter(type);
        ArrayNode node = Judge.JSON.createArrayNode();
        for (int i = 0; i < values.size(); i++) {
            node.add(value(type, getter.getElementOrNull(values, i)));
        }
        return node;
    }

    private static ArrayNode pairs(DataType keyType, DataType valueType, InternalMap map) {
        ArrayNode keys = array(keyType, map.keyArray());
        ArrayNode values = array(valueType, map.valueArray());
        Map<String, JsonNode> sorted = new TreeMap<>();
        for (int i = 0; i < map.size(); i++) {
            ArrayNode pair = Judge.JSON.createArrayNode().add(keys.get(i)).add(values.get(i));
            sorted.put(pair.toString(), pair);
        }
        return Judge.JSON.createArrayNode().addAll(sorted.values());
    }

    private static String text(DataType type, Object value) {
        switch (type.getTypeRoot()) {
            case BINARY:
            case VARBINARY:
                return hex((byte[]) value);
            case DECIMAL:
                return ((Decimal) value).toBigDecimal().toPlainString();
            case FLOAT:
                float single = (Float) value;
                return floating(single, digits -> digits.floatValue() == single);
            case DOUBLE:
                double wide = (Double) value;
                return floating(wide, digits -> digits.doubleValue() == wide);
            case DATE:
                return LocalDate.ofEpochDay((Integer) value).toString();
            case TIME_WITHOUT_TIME_ZONE:
                LocalTime clock = LocalTime.ofNanoOfDay((Integer) value * 1_000_000L);
                return clock.format(DateTimeFormatter.ofPattern("HH:mm:ss.SSS"));
            case TIMESTAMP_WITHOUT_TIME_ZONE:
                return instant((Timestamp) value, DataTypeChecks.getPrecision(type));
            case TIMESTAMP_WITH_LOCAL_TIME_ZONE:
                return instant((Timestamp) value, DataTypeChecks.getPrecision(type)) + "Z";
            default:
                return value.toString();
        }
    }

    static String hex(byte[] bytes) {
        StringBuilder text = new StringBuilder();
        for (byte each : bytes) {
            text.append(Character.forDigit(each >> 4 & 15, 16)).append(Character.forDigit(each & 15, 16));
        }
        return text.toString();
    }

    /** As many fraction digits as the type says, and more when the engine handed out more. */
    private static String instant(Timestamp value, int precision) {
        LocalDateTime time = value.toLocalDateTime();
        StringBuilder fraction = new StringBuilder(String.format("%09d", time.getNano()));
        while (fraction.length() > precision && fraction.charAt(fraction.length() - 1) == '0') {
            fraction.setLength(fraction.length() - 1);
        }
        String seconds = time.format(DateTimeFormatter.ofPattern("uuuu-MM-dd HH:mm:ss"));
        return fraction.length() == 0 ? seconds : seconds + "." + fraction;
    }

    /** The fewest digits that give the same number again, in the layout of Python's {@code repr}. */
    private static String floating(double value, Predicate<BigDecimal> same) {
        if (Double.isNaN(value) || Double.isInfinite(value) || value == 0) {
            return Double.toString(value);
        }
        BigDecimal exact = new BigDecimal(value);
        BigDecimal digits = exact;
        for (int count = 1; count <= 17; count++) {
            digits = exact.round(new MathContext(count)).stripTrailingZeros();
            if (same.test(digits)) {
                break;
            }
        }
        int exponent = digits.precision() - digits.scale() - 1;
        if (exponent >= -4 && exponent < 16) {
            String plain = digits.toPlainString();
            return plain.indexOf('.') < 0 ? plain + ".0" : plain;
        }
        String mantissa = digits.movePointLeft(exponent).stripTrailingZeros().toPlainString();
        return String.format("%se%s%02d", mantissa, exponent < 0 ? "-" : "+", Math.abs(exponent));
    }

    // ---- JSON to engine

    static GenericRow parseRow(RowType type, JsonNode node, RowKind kind) {
        GenericRow row = new GenericRow(kind, type.getFieldCount());
        int position = 0;
        int given = 0;
        for (DataField field : type.getFields()) {
            given += node.has(field.name()) ? 1 : 0;
            row.setField(position++, parse(field.type(), node.get(field.name())));
        }
        if (given != node.size()) {
            throw new IllegalArgumentException("a column of " + node + " is not in " + type.getFieldNames());
        }
        return row;
    }

    static Object parse(DataType type, JsonNode node) {
        if (node == null || node.isNull()) {
            return null;
        }
        String text = node.asText();
        switch (type.getTypeRoot()) {
            case CHAR:
            case VARCHAR:
                return BinaryString.fromString(text);
            case BOOLEAN:
                return Boolean.valueOf(text);
            case BINARY:
            case VARBINARY:
                return unhex(text);
            case DECIMAL:
                DecimalType decimal = (DecimalType) type;
                return Decimal.fromBigDecimal(new BigDecimal(text), decimal.getPrecision(), decimal.getScale());
            case TINYINT:
                return Byte.valueOf(text);
            case SMALLINT:
                return Short.valueOf(text);
            case INTEGER:
                return Integer.valueOf(text);
            case BIGINT:
                return Long.valueOf(text);
            case FLOAT:
                return Float.valueOf(text);
            case DOUBLE:
                return Double.valueOf(text);
            case DATE:
                return Math.toIntExact(LocalDate.parse(text).toEpochDay());
            case TIME_WITHOUT_TIME_ZONE:
                return Math.toIntExact(LocalTime.parse(text).toNanoOfDay() / 1_000_000L);
            case TIMESTAMP_WITHOUT_TIME_ZONE:
            case TIMESTAMP_WITH_LOCAL_TIME_ZONE:
                String bare = text.endsWith("Z") ? text.substring(0, text.length() - 1) : text;
                return Timestamp.fromLocalDateTime(LocalDateTime.parse(bare.replace(' ', 'T')));
            case ARRAY:
                return parseArray(((ArrayType) type).getElementType(), node);
            case MAP:
                return parseMap(((MapType) type).getKeyType(), ((MapType) type).getValueType(), node);
            case MULTISET:
                return parseMap(((MultisetType) type).getElementType(), new IntType(), node);
            case ROW:
                return parseRow((RowType) type, node, RowKind.INSERT);
            default:
                throw new UnsupportedOperationException("the judge writes no " + type);
        }
    }

    private static GenericArray parseArray(DataType type, JsonNode node) {
        Object[] values = new Object[node.size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = parse(type, node.get(i));
        }
        return new GenericArray(values);
    }

    private static GenericMap parseMap(DataType keyType, DataType valueType, JsonNode node) {
        Map<Object, Object> entries = new LinkedHashMap<>();
        for (JsonNode pair : node) {
            entries.put(parse(keyType, pair.get(0)), parse(valueType, pair.get(1)));
        }
        return new GenericMap(entries);
    }

    private static byte[] unhex(String text) {
        byte[] bytes = new byte[text.length() / 2];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) Integer.parseInt(text.substring(2 * i, 2 * i + 2), 16);
        }
        return bytes;
    }
}
