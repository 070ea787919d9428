"""The operators that a stranger's program may call: arithmetic on tensors, and nothing else.

A list, and not a search for what does harm: PyTorch has some 3,000 operators, and among them are those that read and
write files, load libraries and take tensors from other processes. These are what PyTorch's exporters can write as ONNX,
and the names under which torch.export keeps them.
"""

from __future__ import annotations

TENSOR_OPERATORS = frozenset(
    """
    _adaptive_avg_pool2d _conj _convolution _convolution_mode _floor_divide _fused_rms_norm _log_softmax
    _native_batch_norm_legit _native_batch_norm_legit_no_training _native_multi_head_attention _reshape_alias
    _scaled_dot_product_flash_attention_for_cpu _shape_as_tensor _softmax _to_copy _unsafe_index _unsafe_view
    _upsample_bicubic2d_aa _upsample_bilinear2d_aa _upsample_lanczos2d_aa _upsample_nearest_exact1d
    _upsample_nearest_exact2d _upsample_nearest_exact3d _weight_norm _weight_norm_interface abs acos
    adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d adaptive_max_pool1d adaptive_max_pool2d add addcdiv
    addcmul addmm affine_grid_generator alias all alpha_dropout amax amin aminmax any arange argmax argmin
    as_strided as_tensor asin atan atan2 avg_pool1d avg_pool2d avg_pool3d baddbmm batch_norm bitwise_and bitwise_not
    bitwise_or bitwise_xor bmm broadcast_tensors broadcast_to bucketize cat cdist ceil celu channel_shuffle chunk
    clamp clamp_max clamp_min clone concat constant_pad_nd contiguous conv1d conv2d conv3d conv_transpose1d
    conv_transpose2d conv_transpose3d convolution copy copy_ cos cosh cosine_similarity cross cumsum detach detach_
    diag_embed div dot dropout einsum elu embedding empty empty_like eq erf exp expand expand_as expm1 eye
    feature_alpha_dropout feature_dropout fill flatten flip floor floor_divide fmod frobenius_norm full full_like
    gather ge gelu glu grid_sampler grid_sampler_2d group_norm gt hardshrink hardsigmoid hardswish hardtanh im2col
    index index_add index_copy index_fill index_put index_select instance_norm isfinite isinf isnan item kl_div
    layer_norm le leaky_relu lerp lift lift_fresh lift_fresh_copy linalg_norm linalg_vector_norm linear linspace log
    log10 log1p log2 log_sigmoid log_softmax logical_and logical_not logical_or logical_xor logit logsumexp lt
    masked_fill matmul max max_pool1d max_pool2d max_pool2d_with_indices max_pool3d maximum mean meshgrid min
    minimum mish mm movedim mul mv nan_to_num narrow native_batch_norm native_channel_shuffle native_group_norm
    native_layer_norm ne neg new_empty new_full new_ones new_zeros nonzero norm numel one_hot ones ones_like pad
    pairwise_distance permute pixel_shuffle pixel_unshuffle pow prelu prod reciprocal reflection_pad1d
    reflection_pad2d reflection_pad3d relu relu6 remainder repeat repeat_interleave replication_pad1d
    replication_pad2d replication_pad3d reshape reshape_as resolve_conj resolve_neg rms_norm roll rot90 round rrelu
    rsqrt rsub scalar_tensor scaled_dot_product_attention scatter scatter_add select select_scatter selu sgn sigmoid
    sign silu sin sinh size slice slice_scatter softmax softplus softshrink sort split split_with_sizes sqrt square
    squeeze stack std std_mean sub sum sym_numel sym_size sym_storage_offset sym_stride t take tan tanh tanhshrink
    tensor tensor_split threshold to topk transpose tril triu true_divide type_as unbind unflatten unfold
    unsafe_chunk unsafe_split unsafe_split_with_sizes unsqueeze upsample_bicubic2d upsample_bilinear2d
    upsample_linear1d upsample_nearest1d upsample_nearest2d upsample_nearest3d upsample_trilinear3d var var_mean
    vdot view view_as where zero zeros zeros_like
    """.split()  # noqa: SIM905 - so many words read better without quotes
)

SCRIPT_OPERATORS = frozenset(
    """
    Bool Delete Float FloatImplicit Int IntImplicit ScalarImplicit __and__ __contains__ __derive_index __getitem__
    __interpolate __is__ __isnot__ __not__ __or__ __range_length __round_to_zero_floordiv __xor__ _set_item append
    device dim extend floordiv format get_pool_ceil_padding insert is_autocast_enabled is_floating_point
    is_grad_enabled items keys len list mathremainder pop relu_ reverse values
    """.split()  # noqa: SIM905 - so many words read better without quotes
)
"""What TorchScript needs for lists, numbers and texts besides."""

SCRIPT_PRIMITIVES = frozenset(
    """
    ConstantChunk NumToTensor RaiseException TupleIndex TupleUnpack abs data device dtype is_cuda is_nested layout
    max min requires_grad shape tolist type unchecked_cast
    """.split()  # noqa: SIM905 - so many words read better without quotes
)
"""Of the namespace `prim`."""


def is_tensor_operator(name: str) -> bool:
    """Tell whether `name` is of arithmetic on tensors: `add`, `add_` (in place), `sym_size`."""
    return name in TENSOR_OPERATORS or (name.endswith("_") and name[:-1] in TENSOR_OPERATORS)
