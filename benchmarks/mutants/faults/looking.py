"""Faults in what looks at photographs: the recipe, the disc, the cells, the form."""

from __future__ import annotations

from benchmarks.mutants.fault import Mutant

DECODE, DISC, CELL, INPUTS = "models/decode.py", "models/disc.py", "models/photograph.py", "models/inputs.py"
PROBES, GENERATE, FORM = "models/probes.py", "models/generate.py", "serving/form.py"

TESTS = {
    DECODE: ["models/test_image.py"],
    DISC: ["models/test_disc.py"],
    CELL: ["models/test_photograph.py"],
    INPUTS: ["models/test_inputs.py", "models/test_seeing.py"],
    PROBES: ["models/test_probes.py"],
    GENERATE: ["models/test_probes.py", "models/test_generate.py"],
    FORM: ["serving/test_form.py"],
}

MUTANTS = [
    Mutant(DECODE, "6: Transpose.ROTATE_270", "6: Transpose.ROTATE_90", "a camera held upright seen upside down"),
    Mutant(DECODE, "5: Transpose.TRANSPOSE", "5: Transpose.TRANSVERSE", "a mirrored camera turned the wrong way"),
    Mutant(DECODE, "Resampling.BILINEAR", "Resampling.NEAREST", "shrunk without smoothing"),
    Mutant(DECODE, "(asked.width, asked.height), Resampling", "(asked.height, asked.width), Resampling", "height and width swapped"),
    Mutant(DECODE, "if len(data) > asked.most_bytes:", "if False:", "a file of any size"),
    Mutant(DECODE, "width * height > asked.most_pixels or ", "", "a bomb of pixels unpacked"),
    Mutant(DECODE, " or min(width, height) < asked.least_side", "", "a stamp taken for a photograph"),
    Mutant(DECODE, "        picture.load()\n", "        PIL.ImageFile.LOAD_TRUNCATED_IMAGES = True\n        picture.load()\n", "a truncated file half seen"),
    Mutant(DECODE, ".astype(np.int64) >> 8", ".clip(0, 255)", "sixteen bits cut off"),
    Mutant(DECODE, 'if picture.mode in {"P", "PA"}:', "if False:", "a palette with transparency warns"),
    Mutant(DISC, "DARK = 16", "DARK = 0", "the noise of black taken for the disc"),
    Mutant(DISC, "side = max(right - left, bottom - top)", "side = min(right - left, bottom - top)", "the disc cut at its sides"),
    Mutant(DISC, "parts, count = ndimage.label(small.max(axis=2) > DARK)", "parts, count = (small.max(axis=2) > DARK).astype(int), 1", "a date in the corner taken for disc"),
    Mutant(DISC, "if max(map(abs, edges)) <= SAME * side:", "if False:", "cut again and again"),
    Mutant(DISC, "bottom - top) < LEAST *", "bottom - top) < 0 *", "a reflection taken for the disc"),
    Mutant(CELL, "validate=True", "validate=False", "text that is no base64 read as some"),
    Mutant(CELL, "if size > image.most_bytes:", "if False:", "a file of any size read"),
    Mutant(CELL, "len(text) // 4 * 3 - 2 > image.most_bytes", "len(text) > image.most_bytes", "base64 counted as bytes"),
    Mutant(INPUTS, "len(self.image) != len(self.columns)", "False", "images of other rows"),
    Mutant(INPUTS, "else self.image[chosen]", "else self.image", "images not chosen along"),
    Mutant(PROBES, "seed + row", "seed", "every probe the first image"),
    Mutant(GENERATE, "default_rng(seed + row)", "default_rng([seed, row])", "an image that can not be made again alone"),
    Mutant(FORM, '"MAX_MEMORY_FILE_SIZE": float("inf"), ', "", "a patient's photograph written to disk"),
    Mutant(FORM, "if not fields.whole:", "if False:", "half a form read"),
    Mutant(FORM, "self.doubled[name] = None", "pass", "the last of two values taken"),
    Mutant(FORM, "if name not in known", "if False", "unknown fields dropped silently"),
    Mutant(FORM, "got.file_object.seek(0)", "pass", "a file read from its end"),
    Mutant(FORM, 'return Setting.told(told.get("operating_point"), share)', "return Setting.told(None, share)", "the point asked for forgotten"),
]  # fmt: skip
