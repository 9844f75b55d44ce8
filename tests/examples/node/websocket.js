// Uses ws with its defaults, and without permessage-deflate, on the echo server at the port given; ends with code 0 if
// all answers are right.
const assert = require('node:assert/strict');
const { once } = require('node:events');
const { randomBytes } = require('node:crypto');
const WebSocket = require('ws');

const url = `ws://127.0.0.1:${process.argv[2]}/`;

async function open(protocols, options) {
  const socket = new WebSocket(url, protocols, options);
  await once(socket, 'open');
  return socket;
}

async function echo(socket, message) {
  socket.send(message);
  const [data, isBinary] = await once(socket, 'message');
  assert.equal(isBinary, typeof message !== 'string');
  assert.ok(Buffer.from(message).equals(data), `another message of ${data.length} bytes`);
}

async function close(socket, code, reason, expected = code) {
  socket.close(code, reason);
  const [received] = await once(socket, 'close');
  assert.equal(received, expected);
}

async function tryMessages(options, extension) {
  const socket = await open([], options);
  assert.equal(socket.extensions, extension);
  assert.equal(socket.protocol, '');
  for (const message of ['', 'hello', 'κόσμε'.repeat(20_000)]) await echo(socket, message);
  for (const message of [Buffer.alloc(0), Buffer.from([0, 255]), randomBytes(65_536)]) await echo(socket, message);
  for (let i = 0; i < 500; ++i) await echo(socket, `message ${i} `.repeat(i));
  const large = Buffer.concat([randomBytes(8 << 20), Buffer.alloc(8 << 20, 'large')]);
  await echo(socket, large);

  const many = Array.from({ length: 2000 }, (_, i) => `${i}`);
  const received = [];
  socket.on('message', (data) => received.push(data.toString()));
  many.forEach((message) => socket.send(message));
  while (received.length < many.length) await once(socket, 'message');
  assert.deepEqual(received, many);
  socket.removeAllListeners('message');

  socket.send('frag', { fin: false });
  socket.send('men', { fin: false });
  socket.ping('between');
  socket.send('ts', { fin: true });
  const [[pong], [message]] = await Promise.all([once(socket, 'pong'), once(socket, 'message')]);
  assert.deepEqual([pong.toString(), message.toString()], ['between', 'fragments']);

  socket.ping(Buffer.alloc(125, 'p'));
  assert.equal((await once(socket, 'pong'))[0].length, 125);
  socket.pong('unasked');
  await echo(socket, 'last');
  await close(socket, 1000);
}

async function tryProtocols() {
  for (const [offered, chosen] of [[['echo'], 'echo'], [['chat', 'echo'], 'chat'], [['foo', 'echo'], 'echo']]) {
    const socket = await open(offered);
    assert.equal(socket.protocol, chosen);
    await echo(socket, chosen);
    await close(socket, 1000);
  }
  // ws takes no connection that chooses none of what it offers.
  await assert.rejects(open(['foo']), { message: 'Server sent no subprotocol' });
}

async function tryCloses() {
  for (const code of [1000, 1001, 1008, 1011, 3000, 4999]) await close(await open(), code, 'reason: κόσμε');
  await close(await open(), undefined, undefined, 1005);
  for (const [message, code] of [['\xff', 1007], [Buffer.alloc((64 << 20) + 1), 1009]]) {
    const socket = await open([], { perMessageDeflate: false });
    socket.on('error', () => {}); // the server ends the connection while it is written to
    socket.send(typeof message === 'string' ? Buffer.from(message, 'latin1') : message, { binary: code !== 1007 });
    assert.equal((await once(socket, 'close'))[0], code);
  }
}

async function tryAtOnce() {
  const sockets = await Promise.all(Array.from({ length: 100 }, () => open()));
  await Promise.all(sockets.map((socket, i) => echo(socket, `socket ${i} `.repeat(i))));
  await Promise.all(sockets.map((socket) => close(socket, 1000)));
}

async function main() {
  await tryMessages({ perMessageDeflate: false }, '');
  const compressions = [true, { serverNoContextTakeover: true }, { serverMaxWindowBits: 9, clientMaxWindowBits: 9 }];
  for (const perMessageDeflate of compressions) await tryMessages({ perMessageDeflate }, 'permessage-deflate');
  await tryProtocols();
  await tryCloses();
  await tryAtOnce();
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
