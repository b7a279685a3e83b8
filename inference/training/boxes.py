"""Anchors, box coding and suppression: the convention that the exported models and the Rust side share."""
import torch

LEVELS = (3, 4, 5, 6, 7)
ANCHOR_SCALE = 4.0
OCTAVES = 3
ASPECTS = ((1.0, 1.0), (1.4, 0.7), (0.7, 1.4))
PER_PLACE = OCTAVES * len(ASPECTS)


def grid_sizes(height, width):
    """Rows and columns of each level: halved and rounded up, level times."""
    return [(-(-height // 2**level), -(-width // 2**level)) for level in LEVELS]


def anchors(height, width):
    """One (rows*cols*9, 4) tensor of (cy, cx, h, w) per level; anchor = place-major, then octave, then aspect."""
    out = []
    for level, (rows, cols) in zip(LEVELS, grid_sizes(height, width)):
        stride = 2**level
        shapes = []
        for octave in range(OCTAVES):
            base = ANCHOR_SCALE * stride * 2 ** (octave / OCTAVES)
            shapes += [(base * y, base * x) for x, y in ASPECTS]
        shapes = torch.tensor(shapes)
        cy = (torch.arange(rows) + 0.5) * stride
        cx = (torch.arange(cols) + 0.5) * stride
        places = torch.stack(torch.meshgrid(cy, cx, indexing="ij"), -1).reshape(-1, 1, 2)
        out.append(torch.cat([places.expand(-1, PER_PLACE, 2), shapes.expand(len(places), -1, 2)], -1).reshape(-1, 4))
    return out


def decode(codes, priors):
    """(..., 4) of ty, tx, th, tw against (..., 4) anchors to x0, y0, x1, y1."""
    cy, cx = (codes[..., :2] * priors[..., 2:] + priors[..., :2]).unbind(-1)
    h, w = (codes[..., 2:].clamp(max=4.0).exp() * priors[..., 2:]).unbind(-1)
    return torch.stack([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2], -1)


def corners(priors):
    cy, cx, h, w = priors.unbind(-1)
    return torch.stack([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2], -1)


def overlap(a, b):
    """Element-wise IoU and GIoU of broadcastable x0, y0, x1, y1 boxes."""
    low, high = torch.maximum(a[..., :2], b[..., :2]), torch.minimum(a[..., 2:], b[..., 2:])
    inter = (high - low).clamp(min=0).prod(-1)
    area = (a[..., 2:] - a[..., :2]).clamp(min=0).prod(-1) + (b[..., 2:] - b[..., :2]).clamp(min=0).prod(-1)
    union = (area - inter).clamp(min=1e-6)
    hull = torch.maximum(a[..., 2:], b[..., 2:]) - torch.minimum(a[..., :2], b[..., :2])
    hull = hull.prod(-1).clamp(min=1e-6)
    iou = inter / union
    return iou, iou - (hull - union) / hull


def suppress(boxes, scores, classes, threshold=0.5, limit=100):
    """Greedy per-class suppression; indices of the survivors, best first."""
    from torchvision.ops import batched_nms

    return batched_nms(boxes, scores, classes, threshold)[:limit]
