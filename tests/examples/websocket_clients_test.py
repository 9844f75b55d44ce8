"""WebSocket clients of other projects on the echo server: ws from npm, and websockets for Python."""

import asyncio
import os
import unittest

import node_clients
from running import Running

try:
    import websockets
    from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
except ImportError:
    websockets = None


class Node(unittest.TestCase):
    @unittest.skipUnless(node_clients.installed(), "needs npm, which installs ws")
    def test_ws(self):
        with Running("websocket-echo") as server:
            done = node_clients.run("websocket.js", server.port)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


@unittest.skipUnless(websockets, "needs python3-websockets")
class Python(unittest.IsolatedAsyncioTestCase):
    def setUp(self):
        self.server = self.enterContext(Running("websocket-echo"))

    async def asyncSetUp(self):
        asyncio.get_running_loop().set_debug(False)  # debug mode would log each large message

    def connect(self, **options):
        return websockets.connect(f"ws://127.0.0.1:{self.server.port}/", max_size=64 << 20, open_timeout=30, **options)

    async def check_echo(self, client, message):
        await client.send(message)
        received = await asyncio.wait_for(client.recv(), 30)
        self.assertIs(type(received), type(message))
        self.assertTrue(received == message, f"another message of {len(received)}")

    async def check_messages(self, agreed, large=1 << 20, **options):
        async with self.connect(**options) as client:
            self.assertEqual([extension.name for extension in client.extensions], agreed)
            for message in ("", "hello", "κόσμε" * 20_000, b"", b"\0\xff", os.urandom(65_536), os.urandom(large)):
                await self.check_echo(client, message)
            for i in range(300):
                await self.check_echo(client, f"message {i} " * i)
            await client.send(["frag", "men", "ts"])
            self.assertEqual(await client.recv(), "fragments")
            await asyncio.wait_for(await client.ping(b"p" * 125), 30)
            await client.pong(b"unasked")
            await self.check_echo(client, "last")
        self.assertEqual((client.close_code, client.close_reason), (1000, ""))

    async def test_messages(self):
        await self.check_messages(["permessage-deflate"], large=16 << 20)

    async def test_without_compression(self):
        await self.check_messages([], large=16 << 20, compression=None)

    async def test_compressed_in_other_ways(self):
        for parameters in (
            {"server_no_context_takeover": True},
            {"client_no_context_takeover": True},
            {"server_no_context_takeover": True, "client_no_context_takeover": True},
            {"server_max_window_bits": 9, "client_max_window_bits": 9},
        ):
            with self.subTest(parameters):
                factory = ClientPerMessageDeflateFactory(**parameters)
                await self.check_messages(["permessage-deflate"], compression=None, extensions=[factory])

    async def test_subprotocols(self):
        choices = ((["echo"], "echo"), (["chat", "echo"], "chat"), (["foo", "echo"], "echo"), (["foo"], None))
        for offered, chosen in choices:
            async with self.connect(subprotocols=offered) as client:
                self.assertEqual(client.subprotocol, chosen)
                await self.check_echo(client, str(chosen))

    async def test_codes(self):
        for code in (1000, 1001, 1008, 1011, 3000, 4999):
            async with self.connect() as client:
                await client.close(code, "reason: κόσμε")
            self.assertEqual(client.close_code, code)

    async def test_too_large(self):
        async with self.connect(compression=None) as client:
            try:
                await client.send(bytes((64 << 20) + 1))
                await client.recv()
            except websockets.ConnectionClosed:
                pass  # at either
            await client.wait_closed()
        self.assertEqual(client.close_code, 1009)

    async def test_many_at_once(self):
        clients = await asyncio.gather(*(self.connect() for _ in range(50)))
        await asyncio.gather(*(self.check_echo(client, f"client {i} " * i) for i, client in enumerate(clients)))
        await asyncio.gather(*(client.close() for client in clients))


if __name__ == "__main__":
    unittest.main()
