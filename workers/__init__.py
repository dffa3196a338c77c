"""Doing it: surveys the world, carries a plan out step by step, and proves the result."""
