// A new config on SIGHUP, all or nothing: certificates that did not change keep
// their connections.
import { loadCredentials } from '@clientcert/core';

export const credentials = await loadCredentials('clientcert.json');

process.on('SIGHUP', async () => {
  try {
    const { changed, failed } = await credentials.reload('clientcert.json');
    console.log(`changed: ${changed.join(', ') || 'nothing'}`);
    for (const { name, error } of failed)
      console.error(`${name} stays as it was: ${error.message}`);
  } catch (error) {
    console.error(`the old config stays: ${error}`);
  }
});
