"""A real SMTP server (aiosmtpd) that stores each message, and misbehaves on request.

Arguments: DIRECTORY PORT plain|starttls|tls. With TLS, it wants the user `lyceum` and the password of the tests.
"""
import asyncio
import os
import signal
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

directory, port, mode = sys.argv[1], int(sys.argv[2]), sys.argv[3]


class Handler:
    count = 0

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("refused"):
            return f"550 5.1.1 <{address}>: nobody here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_QUIT(self, server, session, envelope):
        if os.path.exists(os.path.join(directory, "no-goodbye")):
            await asyncio.sleep(3600)
        return "221 Bye"

    async def handle_DATA(self, server, session, envelope):
        busy = os.path.join(directory, "busy")
        if os.path.exists(busy):
            os.remove(busy)
            return "451 4.3.0 try again later"
        Handler.count += 1
        name = os.path.join(directory, f"{Handler.count}.eml")
        with open(name + ".part", "wb") as file:
            file.write(f"X-Envelope-To: {','.join(envelope.rcpt_tos)}\r\n".encode())
            file.write(envelope.original_content)
        os.rename(name + ".part", name)
        return "250 OK"


def authenticator(server, session, envelope, mechanism, data):
    is_right = isinstance(data, LoginPassword) and data == LoginPassword(b"lyceum", b"a password of mail / @")
    # A failure that is not handled gets the reply of the standard, 535.
    return AuthResult(success=is_right, handled=is_right)


def session():
    tls = None
    if mode != "plain":
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(os.path.join(directory, "server.pem"), os.path.join(directory, "server.key"))
    return SMTP(
        Handler(),
        enable_SMTPUTF8=not os.path.exists(os.path.join(directory, "ascii")),
        tls_context=tls if mode == "starttls" else None,
        require_starttls=mode == "starttls",
        authenticator=authenticator if mode != "plain" else None,
        auth_required=mode != "plain",
        auth_require_tls=mode == "starttls",
    ), tls if mode == "tls" else None


async def main():
    loop = asyncio.get_running_loop()
    _, tls = session()
    server = await loop.create_server(lambda: session()[0], "127.0.0.1", port, ssl=tls)
    loop.add_signal_handler(signal.SIGTERM, server.close)
    # Ends with its test, however that ends.
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()
    os._exit(0)


asyncio.run(main())
