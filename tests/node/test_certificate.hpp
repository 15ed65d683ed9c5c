// Certificates for tests, made when a test needs one: no private key is in the repository.
#pragma once

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/stat.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>

#include "node/tls/tls_context.hpp"
#include "tests/node/scratch_dir.hpp"

namespace herd::node {

struct TestCertificate {
  std::string name = "localhost";       // the subject's common name
  std::chrono::seconds begins{-3'600};  // the validity, relative to now
  std::chrono::seconds expires{24 * 3'600};
};

// Writes NAME.pem and NAME.key (mode 0600) to the directory: a self-signed certificate with a P-256 key.
inline TlsFiles write_certificate(const std::filesystem::path& directory, const TestCertificate& wanted = {}) {
  const auto require = [](bool is_good) {
    if (!is_good) throw std::runtime_error("no test certificate");
  };
  using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
  using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
  using File = std::unique_ptr<std::FILE, decltype(&std::fclose)>;
  const Key key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  const Certificate certificate(X509_new(), X509_free);
  require(key && certificate);
  X509_set_version(certificate.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), wanted.begins.count());
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), wanted.expires.count());
  X509_NAME* subject = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(wanted.name.c_str()),
                             -1, -1, 0);
  X509_set_issuer_name(certificate.get(), subject);
  X509_set_pubkey(certificate.get(), key.get());
  require(X509_sign(certificate.get(), key.get(), EVP_sha256()) > 0);
  TlsFiles files{directory / (wanted.name + ".pem"), directory / (wanted.name + ".key")};
  {
    const File file(std::fopen(files.certificate.c_str(), "w"), std::fclose);
    require(file && PEM_write_X509(file.get(), certificate.get()) == 1);
  }
  const File file(std::fopen(files.key.c_str(), "w"), std::fclose);
  require(file && PEM_write_PrivateKey(file.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1);
  require(chmod(files.key.c_str(), 0600) == 0);
  return files;
}

// A context with a certificate of its own.
inline std::shared_ptr<const TlsContext> make_test_context(const TestCertificate& wanted = {},
                                                           TlsVersion oldest = TlsVersion::Tls12) {
  const ScratchDir scratch;
  auto context = TlsContext::load(write_certificate(scratch.path(), wanted), oldest);
  if (!context) throw std::runtime_error(context.error().text);
  return std::make_shared<const TlsContext>(std::move(*context));
}

}  // namespace herd::node
