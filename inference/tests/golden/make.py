"""Makes the golden numbers beside this file with the programs they are to agree with.

    pip install numpy torch torchvision effdet pycocotools
    python make.py

accuracy.json: random truths and detections, and what pycocotools.COCOeval says of them.
efficientdet.json: what effdet's anchors and box decoding and torchvision's suppression make of outputs that
`noise` describes, so that the outputs themselves need not be stored.
"""
import contextlib
import io
import json
import pathlib

import numpy as np
import torch
from effdet.anchors import Anchors, decode_box_outputs
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from torchvision.ops import batched_nms

HERE = pathlib.Path(__file__).parent


def noise(seed, count):
    """Numbers from 0 to 1 by index; the Rust tests have the same function."""
    index = np.arange(count, dtype=np.uint64)
    mask = np.uint64(0xFFFFFFFF)
    mixed = (index + np.uint64(seed * 0x9E3779B9 & 0xFFFFFFFF)) * np.uint64(0x85EBCA6B) & mask
    mixed = (mixed ^ (mixed >> np.uint64(13))) * np.uint64(0xC2B2AE35) & mask
    mixed = (mixed ^ (mixed >> np.uint64(16))) >> np.uint64(8)
    return mixed.astype(np.float32) / np.float32(1 << 24)


def logits(seed, count):
    """Mostly far below the threshold, a few above."""
    x = noise(seed, count)
    for _ in range(5):
        x = x * x
    return x * np.float32(21) - np.float32(20)


def codes(seed, count):
    return noise(seed, count) - np.float32(0.5)


def efficientdet(height, width, classes, scale):
    anchors = Anchors(3, 7, 3, [(1.0, 1.0), (1.4, 0.7), (0.7, 1.4)], scale, (height, width)).boxes
    all_logits, all_codes = [], []
    for level in range(3, 8):
        h, w = -(-height // 2**level), -(-width // 2**level)
        kinds = logits(level, 9 * classes * h * w).reshape(9 * classes, h, w)
        boxes = codes(level + 10, 36 * h * w).reshape(36, h, w)
        all_logits.append(kinds.transpose(1, 2, 0).reshape(-1, classes))
        all_codes.append(boxes.transpose(1, 2, 0).reshape(-1, 4))
    scores = torch.from_numpy(np.concatenate(all_logits)).sigmoid()
    boxes = decode_box_outputs(torch.from_numpy(np.concatenate(all_codes)), anchors, output_xyxy=True)
    place, kind = torch.nonzero(scores > 0.05, as_tuple=True)
    boxes, scores = boxes[place], scores[place, kind]
    keep = batched_nms(boxes, scores, kind, 0.5)[:64]
    rows = torch.cat([boxes[keep], scores[keep, None], kind[keep, None].float()], 1)
    return {
        "height": height,
        "width": width,
        "classes": classes,
        "anchor_scale": scale,
        "candidates": len(scores),
        "detections": [[round(v, 5) for v in row] for row in rows.tolist()],
    }


def accuracy(images, classes, seed):
    """Coordinates are multiples of a quarter pixel, so that 32-bit floats hold them exactly."""
    rng = np.random.default_rng(seed)
    quarter = lambda v: np.round(v * 4) / 4
    truths, detections = [], []
    for image in range(images):
        for _ in range(rng.integers(0, 7)):
            x, y = quarter(rng.uniform(0, 500, 2))
            w, h = quarter(rng.uniform(4, 150, 2))
            kind = int(rng.integers(0, classes - 1))
            truths.append([image, kind, x, y, x + w, y + h])
            for _ in range(rng.integers(0, 3)):
                jitter = quarter(rng.normal(0, 0.08, 4) * [w, h, w, h])
                box = np.array([x, y, x + w, y + h]) + jitter
                if box[2] > box[0] and box[3] > box[1]:
                    right = kind if rng.random() > 0.1 else int(rng.integers(0, classes))
                    detections.append([image, right, *box.tolist(), round(float(rng.random()), 2)])
        for _ in range(rng.integers(0, 4)):
            x, y = quarter(rng.uniform(0, 500, 2))
            w, h = quarter(rng.uniform(4, 150, 2))
            detections.append([image, int(rng.integers(0, classes)), x, y, x + w, y + h, round(float(rng.random()), 2)])
    # One frame with more boxes of a class than count.
    for k in range(150):
        detections.append([0, 0, 3.0 * k, 0.0, 3.0 * k + 20.0, 20.0, round(0.3 + 0.004 * k, 3)])
    truths.append([0, 0, 3.0, 0.0, 23.0, 20.0])

    coco = COCO()
    with contextlib.redirect_stdout(io.StringIO()):
        coco.dataset = {
            "images": [{"id": i + 1} for i in range(images)],
            "categories": [{"id": c + 1} for c in range(classes)],
            "annotations": [
                {"id": n + 1, "image_id": i + 1, "category_id": c + 1, "bbox": [x0, y0, x1 - x0, y1 - y0],
                 "area": (x1 - x0) * (y1 - y0), "iscrowd": 0}
                for n, (i, c, x0, y0, x1, y1) in enumerate(truths)
            ],
        }
        coco.createIndex()
        found = coco.loadRes([
            {"image_id": i + 1, "category_id": c + 1, "bbox": [x0, y0, x1 - x0, y1 - y0], "score": s}
            for i, c, x0, y0, x1, y1, s in detections
        ])
        result = COCOeval(coco, found, "bbox")
        result.evaluate()
        result.accumulate()
        result.summarize()
    precision = result.eval["precision"][:, :, :, 0, -1]
    per_class = []
    for kind in range(classes):
        p = precision[:, :, kind]
        if (p > -1).any():
            per_class.append([kind, float(p.mean()), float(p[0].mean())])
    return {
        "truths": truths,
        "detections": detections,
        "images": images,
        "ap": float(result.stats[0]),
        "ap50": float(result.stats[1]),
        "per_class": per_class,
    }


def write(name, value):
    (HERE / name).write_text(json.dumps(value, separators=(",", ":")) + "\n")


write("accuracy.json", accuracy(images=40, classes=5, seed=7))
write("efficientdet.json", [efficientdet(128, 256, 3, 4.0), efficientdet(96, 160, 4, 3.0)])
