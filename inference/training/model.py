"""A small EfficientDet family in plain PyTorch.

Compound scaling is by resolution and by depth; the widths are equal, so that a larger model starts from a smaller
one's weights. Extra blocks are residual and start as the identity.
"""
import torch
import torch.nn.functional as F
from torch import nn

import boxes

CLASSES = ("car", "person", "bicycle", "stop sign")
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)

# name: height, width, blocks per stage
FAMILY = {
    "turbo-edd0": (192, 320, (2, 2, 2, 2)),
    "turbo-edd1": (288, 480, (2, 3, 2, 2)),
    "turbo-edd2": (384, 640, (2, 3, 3, 3)),
}
STEM = 16
# width, expansion, kernel, fused
STAGES = ((24, 2, 3, True), (40, 4, 3, True), (80, 4, 3, True), (128, 4, 5, False))
NECK = 56
NECK_CELLS = 3
HEAD_DEPTH = 2


def norm(channels):
    return nn.BatchNorm2d(channels, momentum=0.03, eps=1e-3)


class Block(nn.Module):
    """Fused-MBConv (a regular convolution expands) or MBConv (depthwise); residual where the shape is kept."""

    def __init__(self, inputs, outputs, stride, expansion, kernel, fused):
        super().__init__()
        hidden = inputs * expansion
        self.keep = stride == 1 and inputs == outputs
        pad = kernel // 2
        if fused and not self.keep:
            layers = [nn.Conv2d(inputs, hidden, kernel, stride, pad, bias=False), norm(hidden), nn.ReLU(True)]
        elif fused:
            hidden = inputs * 2
            layers = [nn.Conv2d(inputs, hidden, kernel, 1, pad, bias=False), norm(hidden), nn.ReLU(True)]
        else:
            layers = [nn.Conv2d(inputs, hidden, 1, bias=False), norm(hidden), nn.ReLU(True)]
            layers += [nn.Conv2d(hidden, hidden, kernel, stride, pad, groups=hidden, bias=False), norm(hidden), nn.ReLU(True)]
        layers += [nn.Conv2d(hidden, outputs, 1, bias=False), norm(outputs)]
        self.layers = nn.Sequential(*layers)
        if self.keep:
            nn.init.zeros_(self.layers[-1].weight)

    def forward(self, x):
        y = self.layers(x)
        return x + y if self.keep else y


class Separable(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.spatial = nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)
        self.mix = nn.Conv2d(channels, channels, 1, bias=False)

    def forward(self, x):
        return self.mix(self.spatial(x))


class Fusion(nn.Module):
    """Fast normalised fusion of two or three maps, then one separable convolution."""

    def __init__(self, inputs, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(inputs))
        self.conv = Separable(channels)
        self.bn = norm(channels)

    def forward(self, *maps):
        w = F.relu(self.weight)
        w = w / (w.sum() + 1e-4)
        total = sum(part * w[k] for k, part in enumerate(maps))
        return self.bn(self.conv(F.relu(total)))


class Cell(nn.Module):
    """One BiFPN layer: down the pyramid, then up again."""

    def __init__(self, channels):
        super().__init__()
        self.down = nn.ModuleList(Fusion(2, channels) for _ in range(4))
        self.up = nn.ModuleList(Fusion(3 if k < 3 else 2, channels) for k in range(4))

    def forward(self, maps):
        middle = [maps[-1]]
        for k in (3, 2, 1, 0):
            larger = F.interpolate(middle[0], size=maps[k].shape[-2:], mode="nearest")
            middle.insert(0, self.down[k](maps[k], larger))
        out = [middle[0]]
        for k in (1, 2, 3, 4):
            smaller = F.max_pool2d(out[-1], 3, 2, 1)
            parts = (maps[k], middle[k], smaller) if k < 4 else (maps[k], smaller)
            out.append(self.up[k - 1](*parts))
        return out


class Head(nn.Module):
    """Convolutions shared by the levels, normalised for each level on its own."""

    def __init__(self, channels, outputs, bias):
        super().__init__()
        self.convs = nn.ModuleList(Separable(channels) for _ in range(HEAD_DEPTH))
        self.norms = nn.ModuleList(nn.ModuleList(norm(channels) for _ in boxes.LEVELS) for _ in range(HEAD_DEPTH))
        self.spatial = nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)
        self.out = nn.Conv2d(channels, outputs, 1)
        nn.init.normal_(self.out.weight, std=0.01)
        nn.init.constant_(self.out.bias, bias)

    def forward(self, maps):
        outputs = []
        for level, x in enumerate(maps):
            for conv, norms in zip(self.convs, self.norms):
                x = F.relu(norms[level](conv(x)))
            outputs.append(self.out(self.spatial(x)))
        return outputs


class EfficientDet(nn.Module):
    def __init__(self, name):
        super().__init__()
        self.name = name
        self.height, self.width, depths = FAMILY[name]
        self.stem = nn.Sequential(nn.Conv2d(3, STEM, 3, 2, 1, bias=False), norm(STEM), nn.ReLU(True))
        self.stages = nn.ModuleList()
        channels = STEM
        for (width, expansion, kernel, fused), depth in zip(STAGES, depths):
            stage = [Block(channels, width, 2, expansion, kernel, fused)]
            stage += [Block(width, width, 1, expansion, kernel, fused) for _ in range(depth - 1)]
            self.stages.append(nn.Sequential(*stage))
            channels = width
        self.lateral = nn.ModuleList(nn.Sequential(nn.Conv2d(c, NECK, 1, bias=False), norm(NECK)) for c in (40, 80, 128, 128))
        self.cells = nn.ModuleList(Cell(NECK) for _ in range(NECK_CELLS))
        self.classes = Head(NECK, boxes.PER_PLACE * len(CLASSES), -4.6)
        self.boxes = Head(NECK, boxes.PER_PLACE * 4, 0.0)

    def forward(self, x):
        x = self.stages[0](self.stem(x))
        p3 = self.stages[1](x)
        p4 = self.stages[2](p3)
        p5 = self.stages[3](p4)
        maps = [lateral(p) for lateral, p in zip(self.lateral, (p3, p4, p5))]
        maps.append(F.max_pool2d(self.lateral[3](p5), 3, 2, 1))
        maps.append(F.max_pool2d(maps[-1], 3, 2, 1))
        for cell in self.cells:
            maps = cell(maps)
        return self.classes(maps), self.boxes(maps)


def flatten(class_maps, box_maps):
    """Per-level maps to (batch, anchors, classes) and (batch, anchors, 4)."""
    def flat(maps, last):
        return torch.cat([m.permute(0, 2, 3, 1).reshape(len(m), -1, last) for m in maps], 1)

    return flat(class_maps, len(CLASSES)), flat(box_maps, 4)


def warm_start(model, state):
    """Copies what has the same name and shape; says how much that was."""
    own = model.state_dict()
    fit = {k: v for k, v in state.items() if k in own and own[k].shape == v.shape}
    model.load_state_dict(fit, strict=False)
    return len(fit), len(own)
