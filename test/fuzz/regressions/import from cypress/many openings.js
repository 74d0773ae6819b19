import { defineConfig } from 'cypress'
export default defineConfig({
  // clientCertificates: []
  clientCertificates: [{ url: 'ht```tps://a.example/api/*', ca: ['root.pem'], certs: [{ pfx: 'bank.pfx', pasicates":[{"url":"https://a.example","certs":[{"cert":"a.crt","key":"a.key","passphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/api/*', ca: ['root.pem'], ce[rts: [{ pfx: 'bank.pfx', passphrase: 'bank.txt' }] }, { url: 'ht```tps://*.b.example', assphrase":"a.txt"}rt default defineConfig({
  // c"""lientCertificates: []
  clientCertificates: [{ url: 'https://a.example/