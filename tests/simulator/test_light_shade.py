import numpy as np

from hinted_posenet.simulator.light.sun import cast_shadow, facing_sun, margin_px, sun_direction


def test_shadow_points_north_at_noon_as_long_as_the_sun_is_low():
    height = np.zeros((200, 200), np.float32)
    height[100:104, 90:110] = 10.0
    sun = sun_direction("2025-03-20", 12.0, 45.0)  # 45 degrees high
    dark = cast_shadow(height, 0.5, sun) > 0.5
    assert dark[82:99, 92:108].all()  # 10 m are 20 pixels
    assert not dark[:78].any() and not dark[105:].any()


def test_shadow_points_south_in_the_southern_hemisphere_and_west_in_the_morning():
    height = np.zeros((200, 200), np.float32)
    height[98:102, 98:102] = 8.0
    rows, _ = np.nonzero(cast_shadow(height, 0.5, sun_direction("2025-03-20", 12.0, -45.0)) > 0.5)
    assert rows.min() >= 98 and rows.max() > 108
    _, cols = np.nonzero(cast_shadow(height, 0.5, sun_direction("2025-06-21", 7.0, 45.0)) > 0.5)
    assert cols.mean() < 90


def test_slope_to_the_sun_is_brighter():
    row = np.arange(50, dtype=np.float32)[:, None] * np.ones((1, 50), np.float32)
    sun = sun_direction("2025-06-21", 12.0, 48.0)
    assert facing_sun(-0.2 * row, 1.0, sun)[25, 25] > 1.05  # falls to the south
    assert facing_sun(0.2 * row, 1.0, sun)[25, 25] < 0.95


def test_same_bits_in_every_window_inside_the_margin():
    height = np.random.default_rng(0).random((500, 520), np.float32) * 30
    margin = margin_px(1.0)
    for hour in (6.5, 9.3, 12.0, 16.2):
        sun = sun_direction("2025-06-21", hour, 48.0)
        whole, part = cast_shadow(height, 1.0, sun), cast_shadow(height[93:407, 61:469], 1.0, sun)
        inner = slice(margin, -margin), slice(margin, -margin)
        np.testing.assert_array_equal(whole[93:407, 61:469][inner], part[inner])


def test_lower_sun_casts_more_shadow():
    height = np.zeros((200, 200), np.float32)
    height[98:102, 98:102] = 8.0
    shares = [
        cast_shadow(height, 0.5, sun_direction("2025-06-21", hour, 48.0)).mean()
        for hour in (12.0, 16.0, 18.0)
    ]
    assert shares == sorted(shares)
