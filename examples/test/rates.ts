import { readFileSync } from 'node:fs';
import type { RequestHandler } from '@clientcert/testing';

const urn = 'urn:bank:rates';

const wsdl = readFileSync(new URL('../soap/rates.wsdl', import.meta.url));

const answer = `<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body><GetRateResponse xmlns="${urn}"><rate>1.08</rate></GetRateResponse></soap:Body></soap:Envelope>`;

/** Answers a GET with the WSDL of a service for exchange rates, and a POST with a rate. */
export const rates: RequestHandler = async (request, response) => {
  for await (const _ of request);
  response.setHeader('content-type', 'text/xml').end(request.method === 'GET' ? wsdl : answer);
  return true;
};
