"""Properties of ATen operators, by name without overload and in-place underscore."""

# Operators that only copy or rearrange data.
MOVES_DATA = frozenset(
    (
        "alias clone contiguous _to_copy copy detach expand lift_fresh permute pixel_shuffle repeat reshape "
        "_reshape_alias roll select slice split split_with_sizes squeeze stack t transpose unbind unsafe_split "
        "unsqueeze view _unsafe_view constant_pad_nd reflection_pad2d replication_pad2d empty empty_like "
        "new_empty zeros zeros_like new_zeros ones ones_like arange full index flatten unflatten as_strided "
        "rot90 flip narrow chunk unsafe_chunk im2col pixel_unshuffle "
        "channel_shuffle native_channel_shuffle written"
    ).split(" ")
)

# Kinds of layers for operators outside modules without children.
KINDS = {
    "add": "Add",
    "addmm": "Linear",
    "_adaptive_avg_pool2d": "AdaptiveAvgPool2d",
    "avg_pool2d": "AvgPool2d",
    "baddbmm": "MatMul",
    "bmm": "MatMul",
    "cat": "Concat",
    "convolution": "Conv2d",
    "deform_conv2d": "DeformConv2d",
    "div": "Divide",
    "elu": "ELU",
    "gelu": "GELU",
    "hardtanh": "ReLU6",
    "leaky_relu": "LeakyReLU",
    "max_pool2d_with_indices": "MaxPool2d",
    "_prelu_kernel": "PReLU",
    "mean": "Mean",
    "mm": "MatMul",
    "mul": "Multiply",
    "native_batch_norm": "BatchNorm2d",
    "native_layer_norm": "LayerNorm",
    "relu": "ReLU",
    "sigmoid": "Sigmoid",
    "silu": "SiLU",
    "_softmax": "Softmax",
    "_safe_softmax": "Softmax",
    "sub": "Subtract",
    "linalg_vector_norm": "Norm",
    "tanh": "Tanh",
}

# Operators that multiply matrices or convolve.
MULTIPLIES = frozenset(["convolution", "deform_conv2d", "_trilinear", "addmm", "mm", "bmm", "baddbmm"])

# FLOPs per output element; docs/numbers.md states the conventions.
ELEMENTWISE = dict.fromkeys(
    (
        "add sub mul div pow neg exp sqrt rsqrt log maximum minimum clamp clamp_min clamp_max masked_fill ne eq "
        "gt ge lt le where abs sin cos sign floor ceil round reciprocal"
    ).split(" "),
    1,
) | {"addcmul": 2, "lerp": 3}  # multiply, add; subtract, multiply, add
# Of an activation, every comparison, sum, product and quotient counts as one, and so do exp, log, tanh and the error
# function, whatever they cost on a device.
ACTIVATION = {
    "relu": 1,  # compare
    "leaky_relu": 2,  # compare, multiply
    "_prelu_kernel": 2,
    "elu": 3,  # compare, exp, subtract
    "celu": 4,  # divide, exp, subtract, compare
    "glu": 5,  # sigmoid, multiply
    "log_sigmoid_forward": 4,  # negate, exp, add, log
    "rrelu_with_noise": 2,  # compare, multiply
    "softshrink": 3,  # compare twice, add
    "threshold": 1,  # compare
    "tanh": 1,
    "erf": 1,
    "sigmoid": 4,  # negate, exp, add, divide
    "silu": 5,  # sigmoid, multiply
    "gelu": 5,  # divide by sqrt(2), error function, add, multiply, halve
    "softplus": 3,  # exp, add, log
    "mish": 5,  # softplus, tanh, multiply
    "hardtanh": 2,  # compare twice
    "hardshrink": 2,
    "hardsigmoid": 4,  # add, compare twice, divide
    "hardswish": 5,  # hardsigmoid, multiply
    "_softmax": 3,
    "_safe_softmax": 3,
    "_log_softmax": 4,
}
# Batch norm in evaluation mode scales and shifts (2). Layer and group norm also compute mean and variance (3) and
# apply them (2).
NORMALISATION = {"native_batch_norm": 2, "native_layer_norm": 7, "native_group_norm": 7}
