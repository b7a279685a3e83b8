"""Rendered scenes as training samples: cropped, flipped, recoloured, JPEG coded, letterboxed."""
import io
import json
import pathlib

import numpy as np
import torch
from PIL import Image

from model import MEAN, STD

MOST = 40


class Scenes(torch.utils.data.Dataset):
    def __init__(self, folder, height, width, augment, seed=0):
        folder = pathlib.Path(folder)
        self.labels = json.loads((folder / "labels.json").read_text())
        first = self.labels["images"][0]
        shape = (len(self.labels["images"]), first["height"], first["width"], 3)
        self.frames = np.memmap(folder / "frames.rgb", np.uint8, "r", shape=shape)
        self.height, self.width, self.augment, self.seed = height, width, augment, seed
        self.truth = [[] for _ in self.labels["images"]]
        for a in self.labels["annotations"]:
            x, y, w, h = a["bbox"]
            self.truth[a["image_id"]].append((x, y, x + w, y + h, a["category_id"] - 1))
        self.truth = [np.array(t, np.float32).reshape(-1, 5) for t in self.truth]

    def __len__(self):
        return len(self.frames)

    def __getitem__(self, key):
        index, turn = key if isinstance(key, tuple) else (key, 0)
        rng = np.random.default_rng((self.seed, index, turn))
        image, truth = Image.fromarray(self.frames[index]), self.truth[index].copy()
        if self.augment:
            image, truth = crop(image, truth, self.height, self.width, rng)
            image = recolour(image, rng)
        else:
            image, truth = letterbox(image, truth, self.height, self.width)
        pixels = torch.from_numpy(np.array(image))
        boxes, labels = torch.zeros(MOST, 4), torch.full((MOST,), -1)
        count = min(len(truth), MOST)
        boxes[:count] = torch.from_numpy(truth[:count, :4])
        labels[:count] = torch.from_numpy(truth[:count, 4]).long()
        return pixels, boxes, labels


def letterbox(image, truth, height, width):
    """Scaled to fit, top-left; what is left over is the mean colour."""
    scale = min(width / image.width, height / image.height)
    size = (round(image.width * scale), round(image.height * scale))
    image = image.resize(size, Image.BILINEAR)
    if size != (width, height):
        canvas = Image.new("RGB", (width, height), tuple(round(m * 255) for m in MEAN))
        canvas.paste(image)
        image = canvas
    truth[:, :4] *= scale
    return image, truth


def crop(image, truth, height, width, rng):
    """A random window, scaled to the input; half of the windows are nearly the whole frame."""
    zoom = rng.uniform(0.97, 1.06) if rng.random() < 0.5 else np.exp(rng.uniform(np.log(0.8), np.log(1.6)))
    w, h = image.width / zoom, image.height / zoom
    x = rng.uniform(min(0, image.width - w), max(0, image.width - w))
    y = rng.uniform(min(0, image.height - h), max(0, image.height - h))
    inner = (max(x, 0), max(y, 0), min(x + w, image.width), min(y + h, image.height))
    scale = width / w
    left, top = round((inner[0] - x) * scale), round((inner[1] - y) * scale)
    size = (min(round((inner[2] - inner[0]) * scale), width - left), min(round((inner[3] - inner[1]) * scale), height - top))
    part = image.resize(size, Image.BILINEAR, box=inner)
    if size != (width, height):
        canvas = Image.new("RGB", (width, height), tuple(round(m * 255) for m in MEAN))
        canvas.paste(part, (left, top))
        part = canvas
    whole = (truth[:, 2] - truth[:, 0]) * (truth[:, 3] - truth[:, 1])
    truth[:, [0, 2]] = np.clip(truth[:, [0, 2]], inner[0], inner[2])
    truth[:, [1, 3]] = np.clip(truth[:, [1, 3]], inner[1], inner[3])
    kept = (truth[:, 2] - truth[:, 0]) * (truth[:, 3] - truth[:, 1]) > 0.35 * whole
    truth = truth[kept]
    truth[:, [0, 2]] = (truth[:, [0, 2]] - x) * scale
    truth[:, [1, 3]] = (truth[:, [1, 3]] - y) * scale
    if rng.random() < 0.5:
        part = part.transpose(Image.FLIP_LEFT_RIGHT)
        truth[:, [0, 2]] = width - truth[:, [2, 0]]
    return part, truth


def recolour(image, rng):
    if rng.random() < 0.5:
        gain = rng.uniform(0.75, 1.25) * rng.uniform(0.94, 1.06, 3)
        table = np.clip(np.arange(256)[None] * gain[:, None] + rng.uniform(-8, 8), 0, 255)
        image = image.point(table.astype(np.uint8).ravel().tolist())
    if rng.random() < 0.6:
        packed = io.BytesIO()
        image.save(packed, "JPEG", quality=int(rng.integers(40, 101)))
        image = Image.open(packed).convert("RGB")
    return image


def normalise(pixels):
    """(B, H, W, 3) uint8 to (B, 3, H, W) float."""
    x = pixels.permute(0, 3, 1, 2).float()
    mean, std = torch.tensor(MEAN).view(1, 3, 1, 1) * 255, torch.tensor(STD).view(1, 3, 1, 1) * 255
    return (x - mean) / std


class Endless(torch.utils.data.Sampler):
    """Shuffled passes without end; each index carries its pass, so that every pass augments differently."""

    def __init__(self, count, seed, rank=0, world=1):
        self.count, self.seed, self.rank, self.world = count, seed, rank, world

    def __iter__(self):
        turn = 0
        while True:
            for index in np.random.default_rng((self.seed, turn)).permutation(self.count)[self.rank :: self.world]:
                yield int(index), turn
            turn += 1
