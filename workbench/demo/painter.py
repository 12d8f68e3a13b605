"""Paints campus scenes with their labels, deterministic in (seed, domain, index).

Perspective is a flat ground under a horizon: what stands nearer is painted later, larger and lower, so objects hide
each other as in a photo, and the polygon of a half-hidden object is whole, as a person would have drawn it.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from workbench.demo.canvas import Canvas, box, ellipse
from workbench.demo.palette import FOLIAGE, GRASS, LIGHTS, PAINTWORK, PAVING, SKIN, WALLS, Light, pick

WIDTH, HEIGHT = 320, 240


@dataclass(frozen=True)
class Scene:
    """A painted photo, uint8 (H, W, 3) RGB, and its labelled polygons in drawing order."""

    photo: NDArray[np.uint8]
    shapes: tuple[tuple[str, list[tuple[float, float]]], ...]


def paint_scene(seed: int, domain: str, index: int) -> Scene:
    """Paint one scene of a domain (`day` or `dusk`)."""
    light = LIGHTS[domain]
    rng = np.random.default_rng((seed, zlib.crc32(domain.encode()), index))
    canvas = Canvas(WIDTH, HEIGHT, rng)
    horizon = HEIGHT * rng.uniform(0.36, 0.56)
    _sky(canvas, light, horizon)
    _ground(canvas, horizon)
    _path(canvas, horizon)
    _buildings(canvas, light, horizon)
    _things(canvas, light, horizon)
    tint = np.asarray(light.tint, np.float32)
    picture = canvas.picture * (1 - canvas.solid + canvas.solid * tint)
    return Scene(_expose(canvas, picture, light), tuple(canvas.shapes))


def _expose(canvas: Canvas, picture: NDArray[np.float32], light: Light) -> NDArray[np.uint8]:
    rng = canvas.rng
    picture = picture * rng.uniform(*light.exposure)
    blurred = cv2.GaussianBlur(picture.astype(np.float32), (0, 0), rng.uniform(0.3, 0.7))
    noisy = blurred + rng.normal(0, light.noise, picture.shape)
    return np.clip(noisy * 255 + 0.5, 0, 255).astype(np.uint8)


def _sky(canvas: Canvas, light: Light, horizon: float) -> None:
    ramp = np.linspace(0, HEIGHT / horizon, HEIGHT, dtype=np.float32).clip(0, 1)[:, None, None]
    sky = np.asarray(light.sky_top) * (1 - ramp) + np.asarray(light.sky_low) * ramp
    clouds = np.clip((canvas.texture(40, 0.5) - 1) * canvas.rng.uniform(0, 1), 0, 0.6)
    white = np.asarray(light.sky_low) * 0.4 + 0.55
    canvas.fill(box(0, 0, WIDTH, HEIGHT), (sky * (1 - clouds) + white * clouds).astype(np.float32), "sky")


def _ground(canvas: Canvas, horizon: float) -> None:
    grass = pick(canvas.rng, GRASS) * canvas.texture(3, 0.07) * canvas.texture(30, 0.10)
    bumps = [(float(x), horizon + canvas.rng.normal(0, 1.5)) for x in np.linspace(0, WIDTH, 9)]
    canvas.fill([*bumps, (WIDTH, HEIGHT), (0, HEIGHT)], grass, "lawn")


def _path(canvas: Canvas, horizon: float) -> None:
    rng = canvas.rng
    near, far = WIDTH * rng.uniform(0.1, 0.9), WIDTH * rng.uniform(0.2, 0.8)
    width, bend = WIDTH * rng.uniform(0.22, 0.5), WIDTH * rng.uniform(-0.15, 0.15)
    left, right = [], []
    for t in np.linspace(0, 1, 10):  # from the viewer to the horizon
        y = HEIGHT + (horizon + 2 - HEIGHT) * t
        middle = near + (far - near) * t + bend * np.sin(np.pi * t)
        half = width / 2 * (1 - 0.94 * t)
        left.append((float(middle - half), float(y)))
        right.append((float(middle + half), float(y)))
    paving = pick(rng, PAVING) * canvas.texture(2, 0.04) * canvas.texture(24, 0.06)
    canvas.fill(left + right[::-1], paving, "path")


def _buildings(canvas: Canvas, light: Light, horizon: float) -> None:
    rng = canvas.rng
    for _ in range(rng.integers(1, 4)):
        width, height = WIDTH * rng.uniform(0.2, 0.5), horizon * rng.uniform(0.35, 0.95)
        left = rng.uniform(-0.15, 0.9) * WIDTH
        bottom = horizon + rng.uniform(2, 10)
        top, slant = bottom - height, rng.uniform(-8, 8)
        outline = [(left, top), (left + width, top + slant), (left + width, bottom), (left, bottom)]
        wall = pick(rng, WALLS) * canvas.texture(4, 0.03)
        canvas.fill(outline, wall * rng.uniform(0.75, 1.05), "building")
        _windows(canvas, light, left, top + abs(slant), width, bottom)
        shadow = [(left, bottom), (left + width, bottom), (left + width * 1.2, bottom + 22), (left + 12, bottom + 22)]
        canvas.shade(shadow, light.shadow, 2.0)


def _windows(canvas: Canvas, light: Light, left: float, top: float, width: float, bottom: float) -> None:
    rng = canvas.rng
    step = rng.uniform(12, 20)
    glass = pick(rng, ((0.25, 0.32, 0.40), (0.55, 0.68, 0.80)))
    for x in np.arange(left + 6, left + width - 8, step):
        for y in np.arange(top + 6, bottom - 10, step * 1.1):
            lit = rng.random() < light.lit_windows
            color = np.asarray((1.7, 1.4, 0.7), np.float32) if lit else glass * rng.uniform(0.8, 1.1)
            canvas.fill(box(float(x), float(y), float(x + step * 0.5), float(y + step * 0.6)), color)


def _things(canvas: Canvas, light: Light, horizon: float) -> None:
    rng = canvas.rng
    kinds = ["tree"] * rng.integers(1, 5) + ["person"] * rng.integers(1, 5) + ["car"] * rng.integers(0, 4)
    feet = horizon + 6 + (HEIGHT * 0.97 - horizon - 6) * rng.beta(1.1, 1.4, len(kinds))
    for i in np.argsort(feet):  # far ones first
        # A person of 1.7 m seen from a height of about 3 m: 1.7 / 3 of the distance from horizon to feet, at least 14.
        meter = max(14.0, (feet[i] - horizon) * 0.62) / 1.7
        x = rng.uniform(-0.02, 1.02) * WIDTH
        {"tree": _tree, "person": _person, "car": _car}[kinds[i]](canvas, light, x, float(feet[i]), meter)


def _tree(canvas: Canvas, light: Light, x: float, foot: float, meter: float) -> None:
    rng = canvas.rng
    meter = min(meter, 26.0)
    height, radius = meter * rng.uniform(3.5, 6), meter * rng.uniform(1.0, 1.7)
    canvas.shade(ellipse(x + radius * 0.6, foot, radius * 1.3, radius * 0.3), light.shadow, 1.5)
    trunk = np.asarray((0.30, 0.22, 0.15), np.float32) * canvas.texture(2, 0.1)
    canvas.fill(box(x - meter * 0.18, foot - height * 0.6, x + meter * 0.18, foot), trunk, "tree")
    angles = np.linspace(0, 2 * np.pi, 22, endpoint=False)
    wobble = 1 + 0.16 * rng.standard_normal(22)
    middle = foot - height + radius
    crown = [
        (x + radius * w * float(np.cos(a)), middle + 1.15 * radius * w * float(np.sin(a)))
        for a, w in zip(angles, wobble, strict=True)
    ]
    leaves = pick(rng, FOLIAGE) * canvas.texture(2.5, 0.22) * canvas.texture(9, 0.15)
    canvas.fill(crown, leaves, "tree")


def _person(canvas: Canvas, light: Light, x: float, foot: float, meter: float) -> None:
    rng = canvas.rng
    m = meter * rng.uniform(0.9, 1.1)
    canvas.shade(ellipse(x + 0.4 * m, foot, 0.6 * m, 0.12 * m), light.shadow, 1.0)
    stride = rng.uniform(0.05, 0.22) * m
    legs = [(x - 0.2 * m, foot - 0.85 * m), (x + 0.2 * m, foot - 0.85 * m), (x + stride + 0.1 * m, foot)]
    legs += [
        (x + stride - 0.06 * m, foot),
        (x, foot - 0.5 * m),
        (x - stride + 0.06 * m, foot),
        (x - stride - 0.1 * m, foot),
    ]
    canvas.fill(legs, pick(rng, ((0.15, 0.17, 0.30), (0.20, 0.18, 0.16), (0.35, 0.36, 0.40))), "person")
    coat = pick(
        rng, ((0.75, 0.15, 0.20), (0.95, 0.85, 0.25), (0.20, 0.30, 0.70), (0.90, 0.90, 0.92), (0.55, 0.20, 0.55))
    )
    torso = [(x - 0.27 * m, foot - 1.42 * m), (x + 0.27 * m, foot - 1.42 * m), (x + 0.24 * m, foot - 0.78 * m)]
    canvas.fill([*torso, (x - 0.24 * m, foot - 0.78 * m)], coat * canvas.texture(3, 0.05), "person")
    canvas.fill(ellipse(x, foot - 1.57 * m, 0.13 * m, 0.17 * m, 12), pick(rng, SKIN), "person")


def _car(canvas: Canvas, light: Light, x: float, foot: float, meter: float) -> None:
    rng = canvas.rng
    m = min(meter, 24.0)
    length, flip = m * rng.uniform(3.6, 4.4), rng.choice((-1.0, 1.0))
    canvas.shade(ellipse(x, foot, length * 0.55, 0.25 * m), max(light.shadow, 0.35), 1.2)

    def at(u: float, v: float) -> tuple[float, float]:
        return float(x + flip * u * length), foot - v * m

    body = [at(-0.5, 0.3), at(-0.5, 0.75), at(-0.35, 0.85), at(-0.22, 1.4), at(0.15, 1.4), at(0.3, 0.9), at(0.48, 0.78)]
    canvas.fill([*body, at(0.5, 0.3)], pick(rng, PAINTWORK) * canvas.texture(20, 0.08), "car")
    glass = np.asarray((0.22, 0.27, 0.33), np.float32)
    canvas.fill([at(-0.28, 0.9), at(-0.18, 1.3), at(0.12, 1.3), at(0.24, 0.9)], glass)
    tyre = np.asarray((0.07, 0.07, 0.08), np.float32)
    for u in (-0.3, 0.32):
        canvas.fill(ellipse(*at(u, 0.32), 0.33 * m, 0.33 * m, 16), tyre, "car")
    if light.lit_windows:
        canvas.glow(*at(0.5, 0.6), 0.5 * m, np.asarray((0.5, 0.45, 0.3), np.float32))
