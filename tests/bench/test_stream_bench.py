"""The stream's benchmark runs and checks its answers, at a tiny size and without looking at the clock."""

from tools.bench.stream import TABLES, followed, rows, told


def test_a_writer_and_a_reader_in_two_processes(tmp_path):
    batches = [rows(number, 10) for number in range(2)]
    returned, arrivals, took, writing, reading = followed(tmp_path, "t", TABLES["keyed"], batches, 0.01)
    assert sorted(returned) == sorted({snapshot for snapshot, _ in arrivals})
    figures = told(20, took, writing, reading)
    assert figures["rows"] == 20
    assert figures["rows_per_second"] > 0
