"""The small examples: each does what its first line says."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

from running import EXAMPLES, Running

ANY = "tcp://127.0.0.1:0"


class Lines:
    """A client that reads whole lines."""

    def __init__(self, server):
        self.socket = server.connect()
        self.file = self.socket.makefile("rwb", buffering=0)

    def send(self, line):
        self.file.write(line.encode() + b"\n")

    def receive(self):
        return self.file.readline().decode().rstrip("\n")

    def receive_until(self, line):
        while (received := self.receive()) != line:
            assert received, f"it ended before {line!r} came"

    def close(self):
        self.file.close()
        self.socket.close()


def receive(connection, count):
    received = b""
    while len(received) < count:
        part = connection.recv(count - len(received))
        if not part:
            break
        received += part
    return received


class SmallServers(unittest.TestCase):
    def said(self, server, line):
        """Whether the output contains that line."""
        return any(said.rstrip() == line for said in iter(server.process.stdout.readline, ""))

    def test_bufferlength(self):
        with Running("bufferlength", url=ANY) as server, server.connect() as client:
            client.sendall(b"0123456789")
            self.assertEqual(receive(client, 8), b"01234567")
            self.assertTrue(self.said(server, "2 bytes untaken, 0 unsent"))

    def test_idleconnection(self):
        with Running("idleconnection", url=ANY) as server, server.connect() as client:
            client.sendall(b"x")
            self.assertEqual(receive(client, 2), b"x", "and then the end")
            self.assertTrue(self.said(server, "closed: idle"))

    def test_maxconnection(self):
        with Running("maxconnection", url=ANY) as server:
            clients = [Lines(server) for _ in range(4)]
            for client in clients[:3]:
                self.assertEqual(client.receive(), "welcome")
            clients[3].socket.settimeout(0.1)
            with self.assertRaises(TimeoutError):
                clients[3].receive()
            clients[0].close()
            clients[3].socket.settimeout(30)
            clients[3].file = clients[3].socket.makefile("rwb", buffering=0)
            self.assertEqual(clients[3].receive(), "welcome")
            for client in clients[1:]:
                client.close()

    def test_protocol(self):
        with Running("protocol", url=ANY) as server, server.connect() as client:
            message = b"MSG\x05Ahello"
            for byte in message:
                client.sendall(bytes([byte]))
            self.assertEqual(receive(client, len(message)), message)
            client.sendall(b"nonsense")
            self.assertEqual(receive(client, 1), b"")
            reason = "the peer sent bytes that are not a valid frame of Events::codec"
            self.assertTrue(self.said(server, "closed: " + reason))

    def test_protobuf(self):
        if not (EXAMPLES / "protobuf").exists():
            self.skipTest("built without libprotobuf")
        with tempfile.TemporaryDirectory() as folder, Running("protobuf", url=ANY) as server:
            source = pathlib.Path(__file__).parents[2] / "examples" / "protobuf.proto"
            subprocess.run(["protoc", f"-I{source.parent}", f"--python_out={folder}", source], check=True)
            sys.path.insert(0, folder)
            import protobuf_pb2  # noqa: PLC0415, generated above

            sys.path.remove(folder)
            with server.connect() as client:
                for numbers in ([1, 2, 3], [], [-5] * 100):
                    question = protobuf_pb2.Question(id=7, numbers=numbers).SerializeToString()
                    client.sendall(varint(len(question)) + question)
                    size = receive(client, 1)[0]
                    answer = protobuf_pb2.Answer.FromString(receive(client, size))
                    self.assertEqual((answer.id, answer.sum), (7, sum(numbers)))

    def test_pushmessage(self):
        with Running("pushmessage", url=ANY) as server:
            clients = [Lines(server) for _ in range(3)]
            received = [[client.receive() for _ in range(2)] for client in clients]
            for one, two in received:
                number = int(one.removeprefix("message "))
                self.assertEqual(two, f"message {number + 1}")
            for client in clients:
                client.close()

    def test_sendasync(self):
        with Running("sendasync", url=ANY) as server:
            client = Lines(server)
            for request in ("one", "two"):
                client.send(request)
                self.assertEqual(client.receive(), "done: " + request)
                self.assertTrue(self.said(server, request + ": sent"))
            client.close()

    def test_chat(self):
        with Running("chat", url=ANY) as server:
            ann, bob = Lines(server), Lines(server)
            for client, name in ((ann, "Ann"), (bob, "Bob")):
                self.assertEqual(client.receive(), "What is your name?")
                client.send(name)
                client.receive_until(name + " is here")
            bob.send("hello")
            for client in (ann, bob):
                client.receive_until("Bob: hello")
            bob.close()
            ann.receive_until("Bob has left")
            ann.close()


def varint(number):
    encoded = b""
    while number >= 0x80:
        encoded += bytes([number & 0x7F | 0x80])
        number >>= 7
    return encoded + bytes([number])


if __name__ == "__main__":
    unittest.main()
