"""Glovebox tools: the installer's command line and the benchmarks."""
