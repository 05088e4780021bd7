document.getElementById("try").hidden = false;
const tried = document.getElementById("tried");
const say = (line) => { tried.hidden = false; tried.textContent += line + "\n"; };
document.getElementById("try-socket").addEventListener("click", () => {
  tried.textContent = "";
  const socket = new WebSocket(location.origin.replace(/^http/, "ws") + "/ws");
  socket.onopen = () => { say("open, sending «hello»"); socket.send("hello"); };
  socket.onmessage = (event) => { say("came back: " + event.data); socket.close(); };
  socket.onclose = (event) => say("closed, code " + event.code);
});
document.getElementById("try-events").addEventListener("click", () => {
  tried.textContent = "";
  const events = new EventSource("/events");
  events.onmessage = (event) => say(event.data);
  events.onerror = () => { say("the stream ended"); events.close(); };
});
