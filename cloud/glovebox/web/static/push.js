// Switches this browser's messages on and off. Says what is missing where it cannot; without this file the page says so.
"use strict";

const box = document.getElementById("push");

const show = (state) => {
  for (const part of box.querySelectorAll("[data-push]")) part.hidden = part.dataset.push !== state;
};

const bytesOf = (text) =>
  Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));

const isOurs = (subscription) => {
  const theirs = new Uint8Array(subscription.options.applicationServerKey || []);
  const ours = bytesOf(box.dataset.key);
  return theirs.length === ours.length && theirs.every((byte, index) => byte === ours[index]);
};

const isKnown = async (subscription) => {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(subscription.endpoint));
  const hex = [...new Uint8Array(hash)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return box.dataset.known.split(" ").includes(hex);
};

const present = async () => {
  const registration = await navigator.serviceWorker.getRegistration("/");
  return registration ? registration.pushManager.getSubscription() : null;
};

const look = async () => {
  if (!window.isSecureContext) return show("insecure");
  if (!("serviceWorker" in navigator && "PushManager" in window && "Notification" in window)) {
    const isApple = /iPhone|iPad/.test(navigator.userAgent) || (/Mac/.test(navigator.userAgent) && navigator.maxTouchPoints > 1);
    return show(isApple ? "install" : "old");
  }
  if (Notification.permission === "denied") return show("denied");
  const subscription = await present();
  show(subscription && isOurs(subscription) && await isKnown(subscription) ? "on" : "off");
};

const switchOn = async () => {
  const answer = await Notification.requestPermission();
  if (answer !== "granted") return show(answer === "denied" ? "denied" : "off");
  await navigator.serviceWorker.register("/service-worker.js");
  const registration = await navigator.serviceWorker.ready;
  const former = await registration.pushManager.getSubscription();
  // Of another key (a deployment set up anew) it would be refused for ever.
  if (former && !isOurs(former)) await former.unsubscribe();
  const subscription = await registration.pushManager.subscribe({
    userVisibleOnly: true,
    applicationServerKey: bytesOf(box.dataset.key),
  });
  const { endpoint, keys } = subscription.toJSON();
  const form = box.querySelector("form[data-push=off]");
  form.elements.endpoint.value = endpoint;
  form.elements.p256dh.value = keys.p256dh;
  form.elements.auth.value = keys.auth;
  form.requestSubmit();
};

const switchOff = async () => {
  const subscription = await present();
  const form = box.querySelector("form[data-push=on]");
  if (subscription) {
    form.elements.endpoint.value = subscription.endpoint;
    await subscription.unsubscribe();
  }
  form.requestSubmit();
};

const guarded = (act) => async (event) => {
  const button = event.currentTarget;
  button.disabled = true;
  try {
    await act();
  } catch (error) {
    show("failed");
  }
  button.disabled = false;
};

if (box) {
  document.getElementById("push-on").addEventListener("click", guarded(switchOn));
  document.getElementById("push-off").addEventListener("click", guarded(switchOff));
  look().catch(() => show("old"));
}
