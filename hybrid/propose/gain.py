SCHEMA = "hybrid-riccati/1"
def model_name(n): return f"lqr-n{n}.onnx"
