import { clientCertificates, loadCredentials } from '@clientcert/axios';
import { HttpModule, HttpService } from '@nestjs/axios';
import { Module } from '@nestjs/common';
import { firstValueFrom } from 'rxjs';

export class BankService {
  readonly #http: HttpService;

  constructor(http: HttpService) {
    this.#http = http;
  }

  async accounts(): Promise<unknown> {
    const { data } = await firstValueFrom(this.#http.get('/accounts'));
    return data;
  }

  async publicRates(): Promise<unknown> {
    const { data } = await firstValueFrom(
      this.#http.get('/rates', { clientCertificate: false }),
    );
    return data;
  }
}

@Module({
  imports: [HttpModule.register({ baseURL: 'https://api.bank.example' })],
  providers: [
    {
      provide: BankService,
      inject: [HttpService],
      // Nest waits for it: what cannot be used stops the start with a reason,
      // and not the first request.
      useFactory: async (http: HttpService) => {
        const credentials = await loadCredentials({
          certificates: {
            bank: {
              pfx: 'bank.pfx',
              passphrase: process.env.BANK_PASSPHRASE,
              ca: 'bank-root.pem',
            },
          },
          hosts: { 'api.bank.example': 'bank' },
        });
        clientCertificates(http.axiosRef, credentials);
        return new BankService(http);
      },
    },
  ],
  exports: [BankService],
})
export class BankModule {}
