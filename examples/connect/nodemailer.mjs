import { createTransport } from 'nodemailer';

/** A mail gateway that knows its senders by certificate. */
/** @param {import('@clientcert/core').Credentials} credentials @param {{ host: string, port: number }} target */
export async function sendMail(credentials, target) {
  const transport = createTransport({
    ...target,
    secure: true,
    tls: credentials.connectOptions(target),
  });
  const { accepted } = await transport.sendMail({
    from: 'billing@example.com',
    to: 'archive@gateway.example',
    subject: 'Invoice 42',
    text: 'See the portal.',
  });
  transport.close();
  return accepted;
}
