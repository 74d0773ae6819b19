#!/bin/sh
# Once, by who administers Vault: an authority, what an app may ask of it, and
# how the app logs in. OpenBao: the same, with "bao" in place of "vault".
set -eu

vault secrets enable pki
vault secrets tune -max-lease-ttl=87600h pki
vault write pki/root/generate/internal common_name='Clients' ttl=87600h
vault write pki/roles/bank-client key_type=ec max_ttl=72h \
  allowed_domains=my-service.example allow_bare_domains=true

vault policy write bank-client - <<'POLICY'
path "pki/sign/bank-client" { capabilities = ["update"] }
POLICY

vault auth enable approle
vault write auth/approle/role/my-service token_policies=bank-client token_ttl=1h

# VAULT_ROLE_ID and VAULT_SECRET_ID of the app.
vault read -field=role_id auth/approle/role/my-service/role-id
echo
vault write -field=secret_id -f auth/approle/role/my-service/secret-id
