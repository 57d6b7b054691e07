"""What numba compiles. Everything that these files hold is loaded when a batch is asked about, and not before."""
