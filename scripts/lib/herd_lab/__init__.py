"""Benchmarks and proofs: `scripts/herd bench` and `scripts/herd prove`, and what the tests share with them."""
