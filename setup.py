"""What pyproject.toml can't say: the folder pretrained/ becomes a part of the package when it is installed."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["explorer", "explorer.*"]), "explorer.pretrained"],
    package_dir={"explorer.pretrained": "pretrained"},
)
