"""Messages on a device, in a real browser: switched on and off on the page, shown by the worker, opened at a
tap."""

import json

import pytest
from glovebox.messages.tables import push_subscriptions
from playwright.sync_api import expect
from sqlalchemy import select
from support_browser import context_of
from support_push import PUSH_ENDPOINT, PUSH_KEYS

pytestmark = pytest.mark.browser

# Without its maker's push service a browser gets no address: this stands for the answer of one.
STUB = """
PushManager.prototype.subscribe = async function (options) {
  if (window.refuses) throw new DOMException("push service not available", "AbortError");
  const subscription = {
    endpoint: "%s", options: { applicationServerKey: options.applicationServerKey.buffer },
    toJSON: () => ({ endpoint: "%s", keys: %s }),
    unsubscribe: async () => { localStorage.removeItem("subscribed"); return true; },
  };
  localStorage.setItem("subscribed", [...options.applicationServerKey].join(","));
  return subscription;
};
PushManager.prototype.getSubscription = async function () {
  const kept = localStorage.getItem("subscribed");
  if (!kept) return null;
  const key = Uint8Array.from(kept.split(",").map(Number));
  return {
    endpoint: "%s", options: { applicationServerKey: key.buffer },
    unsubscribe: async () => { localStorage.removeItem("subscribed"); return true; },
  };
};
"""


def stub(endpoint):
    return STUB % (endpoint, endpoint, json.dumps(PUSH_KEYS), endpoint)


def rows(town, name):
    with town.apps.cloud.store.read() as tx:
        theirs = push_subscriptions.c.person_id == town.person[name]
        return tx.execute(select(push_subscriptions).where(theirs)).all()


def test_a_device_is_switched_on_and_off_and_says_so(chromium, served_town):
    town, base = served_town
    context = context_of(chromium, town, base, "colleague", "en", "phone")
    context.grant_permissions(["notifications"], origin=base)
    context.add_init_script(stub(f"{PUSH_ENDPOINT}colleague"))
    page = context.new_page()
    page.goto("/account/messages")
    page.get_by_role("button", name="Tell me on this device").click()
    page.get_by_text("This device shows your messages from now on.").wait_for()
    expect(page.get_by_label("On my devices (1)")).to_be_checked()
    expect(page.get_by_role("strong").get_by_text("Chrome on Linux")).to_be_visible()
    [one] = rows(town, "colleague")
    assert one.endpoint == f"{PUSH_ENDPOINT}colleague"
    assert page.evaluate("navigator.serviceWorker.getRegistration('/').then(one => one.scope)") == f"{base}/"
    page.get_by_role("button", name="Send me one now").click()
    page.get_by_text("The test is on its way.").wait_for()
    page.get_by_role("button", name="No longer on this device").click()
    page.get_by_text("That device shows your messages no longer.").wait_for()
    expect(page.get_by_role("button", name="Tell me on this device")).to_be_visible()
    assert rows(town, "colleague") == []
    assert context.complaints == []
    context.close()


def test_a_browser_that_cannot_reach_its_push_service_is_told_what_to_do(chromium, served_town):
    town, base = served_town
    context = context_of(chromium, town, base, "installer", "fr", "phone")
    context.grant_permissions(["notifications"], origin=base)
    context.add_init_script("window.refuses = true;" + stub("https://fcm.googleapis.com/x"))
    page = context.new_page()
    page.goto("/account/messages")
    page.get_by_role("button", name="Me prévenir sur cet appareil").click()
    page.get_by_text("Ce navigateur n’a pas pu joindre son service de notification").wait_for()
    page.get_by_role("link", name="Réessayer").click()
    expect(page.get_by_role("button", name="Me prévenir sur cet appareil")).to_be_enabled()
    assert rows(town, "installer") == []
    context.close()


def test_without_scripts_the_page_says_what_it_needs_and_a_device_is_removed(chromium, served_town):
    town, base = served_town
    context = context_of(chromium, town, base, "driver", "en", "phone", scripts=False)
    page = context.new_page()
    page.goto("/account/messages")
    expect(page.get_by_text("A device is switched on by a script of this page")).to_be_visible()
    expect(page.get_by_role("button", name="Tell me on this device")).to_be_hidden()
    page.get_by_role("button", name="Remove Firefox on Android").click()
    page.get_by_text("That device shows your messages no longer.").wait_for()
    assert rows(town, "driver") == []
    context.close()


def test_a_browser_that_refuses_notifications_says_where_to_allow_them(chromium, served_town):
    town, base = served_town
    context = context_of(chromium, town, base, "staff", "en")
    page = context.new_page()
    page.add_init_script("Object.defineProperty(Notification, 'permission', { get: () => 'denied' });")
    page.goto("/account/messages")
    expect(page.get_by_text("This browser was told to show no notifications")).to_be_visible()
    context.close()


@pytest.mark.parametrize("text", [None, "no message of ours"], ids=["a message", "nonsense"])
def test_the_worker_shows_what_is_pushed_and_a_tap_opens_its_page(chromium, served_town, text):
    """Delivered by the browser's own debugging protocol, as its push service would."""
    town, base = served_town
    context = context_of(chromium, town, base, "colleague", "en")
    context.grant_permissions(["notifications"], origin=base)
    page = context.new_page()
    page.goto("/account/messages")
    session = context.new_cdp_session(page)
    found = []
    session.on("ServiceWorker.workerRegistrationUpdated", lambda event: found.extend(event["registrations"]))
    session.send("ServiceWorker.enable")
    page.evaluate(
        "navigator.serviceWorker.register('/service-worker.js').then(() => navigator.serviceWorker.ready)"
    )
    registration = next(one["registrationId"] for one in found if one["scopeURL"] == f"{base}/")
    said = {"title": "Your car changes", "body": "GB-101-NZ", "lang": "en", "path": "/messages", "tag": "t1"}
    session.send(
        "ServiceWorker.deliverPushMessage",
        {"origin": base, "registrationId": registration, "data": text or json.dumps(said)},
    )
    shown = page.evaluate(
        """async () => {
          const registration = await navigator.serviceWorker.ready;
          for (;;) {
            const found = await registration.getNotifications();
            if (found.length) return found.map(({ title, body, tag, data }) => ({ title, body, tag, data }));
            await new Promise((done) => requestAnimationFrame(done));
          }
        }"""
    )
    data = {"path": "/messages"}
    if text is None:
        assert shown == [{"title": "Your car changes", "body": "GB-101-NZ", "tag": "t1", "data": data}]
    else:
        assert shown == [{"title": "Glovebox", "body": "", "tag": "glovebox", "data": data}]
    [worker] = [one for one in context.service_workers if one.url.endswith("/service-worker.js")]
    opened = worker.evaluate(
        """async () => {
          const opened = [];
          self.clients.openWindow = async (address) => { opened.push(address); };
          const [notification] = await self.registration.getNotifications();
          const event = new NotificationEvent("notificationclick", { notification });
          const waits = [];
          event.waitUntil = (promise) => waits.push(promise);
          self.dispatchEvent(event);
          await Promise.all(waits);
          return opened;
        }"""
    )
    assert opened == [f"{base}/messages"]
    assert context.complaints == []
    context.close()
