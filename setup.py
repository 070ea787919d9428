"""The one thing pyproject.toml cannot say: the wheel carries `models_onnx/` inside the package, where
`realtime.models.library` looks for the models that ship.
"""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithModels(build_py):
    def run(self) -> None:
        super().run()
        if not self.editable_mode:  # a checkout has them beside the package
            inside = Path(self.build_lib) / "realtime" / "models_onnx"
            inside.mkdir(parents=True, exist_ok=True)
            for path in (*sorted(Path("models_onnx").glob("*.onnx")), Path("models_onnx") / "SHA256SUMS"):
                shutil.copy2(path, inside)


setup(cmdclass={"build_py": BuildWithModels})
