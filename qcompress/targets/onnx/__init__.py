"""A graph as an ONNX model whose tensors hold the graph's integer codes, and its inference by onnxruntime."""
