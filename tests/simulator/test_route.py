"""Routes: lengths, places, loops, the date line."""

import math

import pytest
from glovebox_sim import route
from glovebox_sim.route import Route, RouteError
from hypothesis import given
from hypothesis import strategies as st


def haversine_m(a, b):
    lat1, lon1, lat2, lon2 = map(math.radians, (*a, *b))
    h = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * route.EARTH_M * math.asin(math.sqrt(h))


@pytest.mark.parametrize("name", route.names())
def test_the_length_of_each_route_agrees_with_great_circles(name):
    found = route.find(name)
    legs = zip(found.points, found.points[1:], strict=False)
    assert found.length_m == pytest.approx(sum(haversine_m(a, b) for a, b in legs), rel=1e-4)
    assert 3_000 < found.length_m < 40_000


def test_a_loop_comes_home_and_goes_round_again():
    loop = route.find("town_loop")
    assert loop.is_loop
    home = loop.at(0)
    assert (
        route.metres_between((home.lat, home.lon), (loop.at(loop.length_m).lat, loop.at(loop.length_m).lon))
        < 0.01
    )
    assert loop.at(100).lat == pytest.approx(loop.at(loop.length_m + 100).lat, abs=1e-9)


def test_a_one_way_route_ends_at_its_last_point():
    road = route.find("to_montoir")
    assert not road.is_loop
    end = road.at(road.length_m + 5_000)
    assert (end.lat, end.lon) == pytest.approx(road.points[-1])
    back = road.reversed().at(0)
    assert (back.lat, back.lon) == pytest.approx(road.points[-1])


@given(st.floats(0, 1))
def test_equal_distances_along_a_route_are_equal_distances_on_the_ground(share):
    road = route.find("to_montoir")
    a, b = road.at(share * (road.length_m - 1)), road.at(share * (road.length_m - 1) + 1)
    assert route.metres_between((a.lat, a.lon), (b.lat, b.lon)) == pytest.approx(1.0, abs=0.5)


@pytest.mark.parametrize("metres", [500.0, 11_990.4, 23_266.3])
def test_a_fitted_loop_has_the_length_asked_and_the_same_start(metres):
    loop = route.find("coast_loop").fitted(metres)
    assert loop.length_m == pytest.approx(metres, abs=0.01)
    assert loop.is_loop
    assert loop.points[0] == route.find("coast_loop").points[0]


def test_a_route_carried_elsewhere_keeps_its_length():
    there = route.find("town_loop").starting_at(47.3, -2.15)
    assert there.length_m == pytest.approx(route.find("town_loop").length_m, abs=0.01)
    assert there.points[0] == pytest.approx((47.3, -2.15))


def test_a_road_between_two_places_starts_and_ends_there():
    road = route.between((47.27, -2.21), (47.30, -2.15))
    assert road.points[0] == (47.27, -2.21)
    assert road.points[-1] == (47.30, -2.15)
    assert road.length_m > route.metres_between(road.points[0], road.points[-1])


def test_the_date_line_is_crossed_the_short_way():
    road = Route("dateline", [(10.0, 179.999), (10.0, -179.999)])
    assert road.length_m == pytest.approx(219, abs=2)
    middle = road.at(road.length_m / 2)
    assert abs(middle.lon) == pytest.approx(180, abs=1e-6)
    assert middle.course_deg == pytest.approx(90)


@pytest.mark.parametrize(
    "points",
    [[], [(47.0, -2.0)], [(47.0, -2.0), (47.0, -2.0)], [(90.0, 0.0), (0.0, 0.0)], [(0.0, 181.0), (0.0, 0.0)]],
)
def test_what_is_no_route_is_refused(points):
    with pytest.raises(RouteError):
        Route("bad", points)


@pytest.mark.parametrize("text", ["", "[]", '{"name": "x"}', '{"name": "x", "points": [[1]]}', "{"])
def test_a_file_that_is_no_route_is_refused_by_name(tmp_path, text):
    path = tmp_path / "bad.json"
    path.write_text(text)
    with pytest.raises(RouteError, match="bad"):
        route.load(path)


def test_an_unknown_route_names_the_known_ones():
    with pytest.raises(RouteError, match="town_loop"):
        route.find("moon")


@pytest.mark.parametrize("length_m", [200.0, 5_000.0, 40_000.0])
@pytest.mark.parametrize("name", [name for name in route.names() if route.find(name).is_loop])
def test_a_loop_of_any_length_ends_where_it_began_from_any_start(name, length_m):
    road = route.find(name).starting_at(47.28, -2.2).fitted(length_m)
    end = road.at(length_m)
    assert route.metres_between((end.lat, end.lon), (47.28, -2.2)) < 1
