// The page of websocket-chat.
#pragma once

#include <string_view>

inline constexpr std::string_view chat_page = R"html(<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Chat</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 40rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
  h1 { font-size: 1.3rem; }
  #lines { list-style: none; padding: .5rem 1rem; height: 60vh; overflow-y: auto; border: 1px solid #ccc; border-radius: .5rem; }
  form { display: flex; gap: .5rem; }
  input { flex: 1; font: inherit; padding: .4rem .6rem; border: 1px solid #ccc; border-radius: .5rem; }
  button { font: inherit; padding: .4rem 1rem; border: 0; border-radius: .5rem; background: #2563eb; color: #fff; }
</style>
<h1>Chat <small id="state">connecting</small></h1>
<ul id="lines" aria-live="polite"></ul>
<form id="form">
  <input id="line" placeholder="Your name" autocomplete="off" maxlength="500" autofocus>
  <button>Send</button>
</form>
<script>
  const line = document.getElementById("line"), lines = document.getElementById("lines");
  const state = document.getElementById("state");
  const socket = new WebSocket(location.origin.replace(/^http/, "ws") + "/chat");
  socket.onopen = () => { state.textContent = ""; };
  socket.onclose = () => { state.textContent = "closed"; };
  socket.onmessage = (event) => {
    const item = document.createElement("li");
    item.textContent = event.data;
    lines.append(item);
    item.scrollIntoView({ block: "nearest" });
  };
  document.getElementById("form").onsubmit = (event) => {
    event.preventDefault();
    if (!line.value || socket.readyState !== WebSocket.OPEN) return;
    socket.send(line.value);
    line.value = "";
    line.placeholder = "What do you say?";
  };
</script>
</html>
)html";
