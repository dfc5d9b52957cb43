"""Which further arguments a backbone may be given: widths, depths and the like, by name, with plain values.

timm's ``create_model`` takes arguments that read files (``checkpoint_path``), fetch them (``pretrained_cfg_overlay``,
``cache_dir``) or change what it returns (``features_only``), and they may come from a stranger's ``config.json`` or
``model.json``. So there is a list of what is passed on. ``core.train.networks.arguments`` says which of these a given
backbone knows.
"""

from __future__ import annotations

import math
import re
from typing import Any

OURS = frozenset({"widths", "kernel", "dense", "decoder"})  # of baseline_cnn, and of a U-Net's decoder
# Parameters of timm 1.0's networks that say how wide, deep or regular they are. Those that take a class, a dictionary
# or a path are not here, nor those that this program sets itself: in_chans, num_classes, pretrained.
NUMBERS = frozenset(
    """
    attn_drop_rate attn_mlp_ratio attn_ratio base_width block_config block_reduce_first bn_size cardinality channels
    channel_multiplier conv_ratio deepen_factor depth depth_list depth_multiplier depth_token_only depths dim dim_mul
    dims down_kernel_size down_patch_size down_stride downsample_expand_ratios downsample_ratio drop_block_rate
    drop_block_size drop_path_rate drop_rate embed_dim embed_dims expand_groups expand_ratio growth_rate group_size
    groups head_dim head_hidden_size head_init_scale head_mul head_widths heads img_scale img_size inc_sec init_values
    k_r k_sec kernel_size kernel_sizes kernels key_dim layer_scale_init_value layer_scale_init_values layers levels
    locality_strength local_up_to_layer ls_init_value merge_size mlp_ratio mlp_ratio_token_only mlp_ratios norm_eps
    num_features num_heads num_init_features num_kv_heads num_reg_tokens num_vit output_stride parallel_depth
    patch_drop_rate patch_kernel patch_padding patch_size patch_stride pool_size pos_drop_rate proj_drop_rate q_pool
    q_stride ref_feat_shape reg_tokens rope_grid_offset rope_temperature round_limit serial_depths sr_ratios ssd_expand
    stages state_dim stem_chs stem_expand_ratio stem_kernel_size stem_size stem_width swiglu_align_to transformer_depths
    widen_factor width width_factor width_list window_ratio window_size
    """.split()
)
SWITCHES = frozenset(
    """
    aa_stem_only always_partition attn_only_layer_scale avg_down channel_attention channel_attn_v2 class_token conv_bias
    conv_mlp cpe_act crop_scale distillation downsample_block downsamples dynamic_img_pad dynamic_img_size fc_norm ffn
    final_norm fix_init fix_stem fused_conv fused_downsample head_norm_first legacy memory_efficient mlp_bias multi_conv
    no_embed_class pool_include_prefix pre_norm preact proj_bias qk_norm qkv_bias qkv_fused replace_stem_pool
    round_chs se_from_exp scale_attn_inner scale_attn_norm scale_mlp scale_mlp_norm shortcut_root small small_kernels
    strict_img_size swiglu_mlp transformer_drop_path use_abs_pos_emb use_fc_norm use_grn use_mlp_head use_pos_emb
    use_pos_embed use_post_norm use_pre_transformer_norm use_rel_pos_bias use_rot_pos_emb use_shared_rel_pos_bias
    zero_init_last
    """.split()
)
WORDS = frozenset(  # names of layers that timm looks up in a table of its own
    "aa_layer act_layer attn_type attn_types attn_upsample encoder_pool fc_act_layer global_pool local_mbconv_norm"
    " norm_layer pad_type pos_embed rope_grid_indexing rope_type stem_type".split()
)
ALLOWED = NUMBERS | SWITCHES | WORDS | OURS
_DEEP = re.compile(r"depth|layers|levels|stages|block_config|k_sec|num_vit|reg_tokens")
MOST = 16_384  # of a width or a size in pixels
MOST_DEEP = 256  # layers one after the other
MOST_VALUES = 64
_WORD = re.compile(r"[a-z0-9_]{0,32}")


def check_arguments(arguments: dict[str, Any]) -> dict[str, Any]:
    """``arguments`` themselves. Raises ValueError, in plain words, for a name or a value that is not passed on."""
    for name, value in arguments.items():
        if name not in ALLOWED:
            raise ValueError(
                f"'{name:.60}' is not an argument that a backbone may be given here. Accepted are widths, depths and "
                "the like under timm's names, for example channels, layers, depths, embed_dim, num_heads"
            )
        if not _fits(name, value, nested=0):
            raise ValueError(f"'{name}' was given {str(value)[:60]!r}. Accepted: {_accepted(name)}")
    return arguments


def _fits(name: str, value: Any, nested: int) -> bool:
    if value is None:
        return True
    if isinstance(value, list | tuple):
        return nested < 2 and len(value) <= MOST_VALUES and all(_fits(name, item, nested + 1) for item in value)
    if isinstance(value, bool):
        return name in SWITCHES
    if isinstance(value, str):
        return name in WORDS and _WORD.fullmatch(value) is not None
    if isinstance(value, int | float):
        most = MOST_DEEP if _DEEP.search(name) else MOST
        return name in NUMBERS | OURS and math.isfinite(value) and -1 <= value <= most
    return False


def _accepted(name: str) -> str:
    if name in SWITCHES:
        return "true or false, or a list of them"
    if name in WORDS:
        return "the name of a layer in small letters"
    return f"numbers up to {MOST_DEEP if _DEEP.search(name) else MOST:,}, or lists of at most {MOST_VALUES} of them"
