"""Front ends: the command line (`cli`), sympy (`sympy_front`), python-control (`control_front`)."""
