"""Equations as data: parsed safely, kept as a graph with shared subexpressions, differentiated, enclosed.

`parser` reads text, `graph` holds it, `derivatives` differentiates it, `evaluate` computes it in any
arithmetic: floats, complex numbers, stacks of points, exact numbers (`exact`), Arb balls (`balls`), sympy
(`symbols`); `infix` writes it down again.
"""
