"""Console: a car is taken out of service and put back with forms alone."""

from datetime import date
from zoneinfo import ZoneInfo

from glovebox.blocks.schemas import Block
from glovebox.web.timeline import Cell, lay_blocks, lay_out, make_day
from support_web import NOW

DAY = make_day(date(2026, 3, 10), ZoneInfo("Europe/Paris"))
HOUR = 3600


def block(start, end):
    return Block(1, 1, "workshop", start, end, "", start)


def test_a_car_is_taken_out_of_service_shown_so_and_put_back(town):
    browser, car = town.browser("staff"), town.car["GB-101-NZ"]
    form = browser.get(f"/console/vehicles/{car}/block").text
    assert "Leave the last day empty" in form
    sent = {"kind": "damage", "day": "2026-03-10", "start": "10:00", "end_day": "", "reason": "Pare-brise"}
    assert browser.submit(f"/console/vehicles/{car}/block", sent).status_code == 303
    text = browser.get(f"/console/vehicles/{car}").text
    assert "Damaged" in text
    assert "until further notice" in text
    assert "Pare-brise" in text
    assert "Pare-brise" not in town.browser("installer").get(f"/console/vehicles/{car}").text
    assert "This booking is at risk" in town.browser("driver").get(f"/bookings/{town.booking['next']}").text
    assert 'class="blocked"' in browser.get("/console/timeline").text
    number = town.block + 1
    change = {"end_day": "2026-03-12", "end": "18:00"}
    assert browser.submit(f"/console/blocks/{number}", change).status_code == 303
    assert "12 March" in browser.get(f"/console/vehicles/{car}").text
    assert browser.submit(f"/console/blocks/{number}/end").status_code == 303
    assert "Damaged" not in browser.get(f"/console/vehicles/{car}").text
    assert "at risk" not in town.browser("driver").get(f"/bookings/{town.booking['next']}").text


def test_what_makes_no_sense_is_told_beside_the_form_and_what_was_typed_stays(town):
    browser, car = town.browser("manager"), town.car["GB-101-NZ"]
    sent = {
        "kind": "workshop",
        "day": "2026-03-12",
        "start": "10:00",
        "end_day": "2026-03-11",
        "end": "10:00",
    }
    answer = browser.submit(f"/console/vehicles/{car}/block", {**sent, "reason": "Pneus"})
    assert answer.status_code == 422
    assert "The end must be after the start." in answer.text
    assert 'value="Pneus"' in answer.text
    answer = browser.submit(f"/console/blocks/{town.block}", {"end_day": "2026-03-01", "end": "10:00"})
    assert answer.status_code == 422


def test_a_gap_is_cut_where_a_block_begins_and_ends_and_the_row_keeps_its_width():
    row = lay_out(DAY, [])
    laid = lay_blocks(DAY, row, [block(NOW, NOW + 2 * HOUR)])
    assert [cell.block is not None for cell in laid] == [False, True, False]
    assert sum(cell.span for cell in laid) == sum(cell.span for cell in row)
    assert laid[0].ends_at == laid[1].starts_at
    assert laid[1].ends_at == laid[2].starts_at
    whole = lay_blocks(DAY, row, [block(NOW - 48 * HOUR, None)])
    assert [(cell.span, cell.block is not None) for cell in whole] == [(row[0].span, True)]


def test_a_promise_under_a_block_stays_on_the_grid():
    promise = object()
    cells = [Cell(10, None, DAY.edges[0], DAY.edges[10]), Cell(4, promise, DAY.edges[10], DAY.edges[14])]
    laid = lay_blocks(DAY, cells, [block(DAY.edges[0], None)])
    assert [cell.promise for cell in laid] == [None, promise]
    assert laid[0].block is not None
