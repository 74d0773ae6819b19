import { once } from 'node:events';
import { connect } from 'node:http2';

/** HTTP/2 with Node's own client. */
/** @param {import('@clientcert/core').Credentials} credentials @param {string} url */
export async function getOverHttp2(credentials, url) {
  const session = connect(url, credentials.connectOptions(url));
  const request = session.request({ ':path': '/accounts' });
  const [headers] = await once(request, 'response');
  request.resume();
  await once(request, 'end');
  session.close();
  return headers[':status'];
}
