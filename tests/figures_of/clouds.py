"""Figures of docs/clouds.md, from benchmarks/results/clouds.json."""

_L4S = "clouds[landslide4sense_level_1c]"
_JAPAN = "clouds[hokkaido_without_near_infrared]"

FIGURES = (
    f"a share of {{{_L4S}[img/image_2][at_30_m][cloud]:.2f}} of it is cloud and",
    f"{{{_L4S}[img/image_2][at_30_m][shadow]:.2f}} shadow at",
    f"a larger share of cloud than {{{_L4S}[landslide4sense-h5-samples/image_37][at_30_m][cloud]:.3f}}.",
    f"the share of cloud is {{{_L4S}[img/image_2][on_the_landslides_at_30_m][cloud]:.2f}}.",
    f"(a share of {{{_L4S}[img/image_2][on_the_landslides_at_30_m][shadow]:.2f}}):",
    f"(row 1, a share of {{{_L4S}[img/image_1][at_10_m][cloud]:.3f}});",
    f"gets {{{_L4S}[landslide4sense-h5-samples/image_37][at_30_m][shadow]:.2f}} at 30 m, "
    f"{{{_L4S}[landslide4sense-h5-samples/image_37][at_10_m][shadow]:.2f}} at 10 m",
    f"of cloud of {{{_JAPAN}[pre-event, near infrared as red][cloud]:.4f}})",
    "An answer took {clouds[seconds_per_input]:.2f} s",
    f"afterwards {{{_JAPAN}[post-event, near infrared as red][cloud]:.4f}} of the scene",
)
SETTINGS = {
    "Rows 1 and 2": "of the picture",
    "Rows 3 and 4": "of the picture",
    "(row 2)": "of the picture",
    "(row 1,": "of the picture",
    "earthquake of 2018": "a year",
    "pixels of 30 m": "of the networks",
    "pixels of 10 m": "of the images",
    "20 real Landslide4Sense": "how many there are",
    "16 Sentinel-2 tiles": "how many there are",
    "of at least 0.22": "a setting of the script",
    "30 m is used": "of the networks",
    "1,000 patches": "an example",
    "at 30 m": "of the networks",
    "at 10 m": "of the images",
}
