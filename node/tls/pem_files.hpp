// Reading of a certificate chain and its private key from PEM files. A fault is a file that cannot be read, is not a
// regular file, is longer than 1 MiB or has content that OpenSSL refuses. Any thread; may wait for the disk. Used by
// TlsContext only.
#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <filesystem>
#include <memory>
#include <tl/expected.hpp>
#include <vector>

#include "node/tls/tls_context.hpp"

namespace herd::node {

struct FreeCertificate {
  void operator()(X509* certificate) const { X509_free(certificate); }
};
struct FreeKey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using Certificate = std::unique_ptr<X509, FreeCertificate>;
using PrivateKey = std::unique_ptr<EVP_PKEY, FreeKey>;

// Returns the certificates of the file in their order, at least one. Other PEM blocks are skipped.
[[nodiscard]] tl::expected<std::vector<Certificate>, TlsFault> read_chain(const std::filesystem::path& file);

// Never asks for a passphrase: a key that has one is a fault. Reads the file only if its mode is at most 0640.
[[nodiscard]] tl::expected<PrivateKey, TlsFault> read_private_key(const std::filesystem::path& file);

}  // namespace herd::node
