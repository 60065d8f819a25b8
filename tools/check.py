"""The project's one check: makes an environment of its own, then lints, types, layers, docs and tests.

python3 tools/check.py             everything that CI runs
python3 tools/check.py --here      use the running interpreter's environment as it is
python3 tools/check.py --slow      the long sweeps too
python3 tools/check.py --no-judges do not fetch the other engines that judge our tables
"""

import argparse
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".venv"


def environment() -> Path:
    """Make or refresh ``.venv`` with the project and its development tools; return its interpreter."""
    python = ENVIRONMENT / "bin" / "python"
    if not python.exists():
        venv.create(ENVIRONMENT, with_pip=True)
    # uv rather than pip: the botocore pins of moto and s3fs send pip's resolver through years of old releases.
    run([python, "-m", "pip", "install", "--quiet", "uv>=0.5"])
    run([python, "-m", "uv", "pip", "install", "--quiet", "--python", python, "--editable", f"{ROOT}[dev]"])
    return python


def run(command: list[object]) -> None:
    """Run a command in the project's root, showing it; leave with its status when it fails."""
    words = [str(word) for word in command]
    print("+", *words, flush=True)
    status = subprocess.run(words, cwd=ROOT, check=False).returncode
    if status:
        sys.exit(status)


def fetch_judges(python: Path, *, slow: bool) -> None:
    """Fetch the other engines, so that the tests that ask them run; without them those tests skip and say so."""
    words = [str(python), "tools/judge/setup.py"]
    if slow:
        newest = ["--java-version", "0.9.0", "--java-version", "1.4.2"]
        words += [*newest, "--spark-version", "0.9.0", "--flink-version", "1.3.1"]
    print("+", *words, flush=True)
    if subprocess.run(words, cwd=ROOT, check=False).returncode:
        print("NOT JUDGED: the other engines cannot be fetched here; the tests that ask them are skipped", flush=True)


def main() -> None:
    """Parse the arguments and run the steps in order, cheapest first."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--here", action="store_true", help="use this interpreter's environment")
    parser.add_argument("--slow", action="store_true", help="run the long sweeps too")
    parser.add_argument("--no-judges", action="store_true", help="do not fetch the other engines")
    parser.add_argument("tests", nargs="*", help="only these tests")
    arguments = parser.parse_args()
    python = Path(sys.executable) if arguments.here else environment()
    tool = python.parent
    os.environ["PATH"] = f"{tool}{os.pathsep}{os.environ['PATH']}"
    if not arguments.tests:
        run([tool / "ruff", "format", "--check", "."])
        run([tool / "ruff", "check", "."])
        run([tool / "mypy"])
        run([tool / "lint-imports"])
        run([python, "tools/docs.py", "--check"])
        if not arguments.no_judges:
            fetch_judges(python, slow=arguments.slow)
    marker = [] if arguments.slow else ["-m", "not slow"]
    workers = [] if arguments.tests else ["-n", str(max(2, min(os.cpu_count() or 2, 4))), "--dist", "loadfile"]
    run([python, "-m", "pytest", *marker, *workers, *arguments.tests])


if __name__ == "__main__":
    main()
