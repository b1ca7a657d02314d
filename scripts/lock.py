"""Writes requirements/base.lock and test.lock from pyproject.toml: every package, pinned and hashed, for
every platform. Versions already locked stay where they still fit; `--upgrade` takes the newest.
"""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ROOT / "requirements"


def uv_path() -> str:
    """Path of `uv`: this venv's or the machine's; installed into the venv where there is none."""
    own = Path(sys.executable).with_name("uv")
    if not own.exists():
        found = shutil.which("uv")
        if found:
            return found
        subprocess.run([sys.executable, "-m", "pip", "install", "-q", "uv"], check=True)
    return str(own)


def compile_lock(uv: str, name: str, *sources: str) -> None:
    """Resolves `sources` (arguments for uv) into requirements/`name`.lock."""
    words = [uv, "pip", "compile", "-q", *sources, "-o", f"requirements/{name}.lock"]
    words += ["--universal", "--generate-hashes", "--python-version", "3.11"]
    # The machine that compiles may have its own index and paths; neither belongs into the repository.
    words += ["--no-header", "--no-emit-index-url", "--no-emit-find-links"]
    subprocess.run([*words, *sys.argv[1:]], cwd=ROOT, check=True)


def main() -> None:
    uv = uv_path()
    LOCKS.mkdir(exist_ok=True)
    compile_lock(uv, "base", "pyproject.toml")
    compile_lock(uv, "test", "--group", "pyproject.toml:test", "-c", "requirements/base.lock")


if __name__ == "__main__":
    main()
