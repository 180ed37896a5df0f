/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Functions of free libraries that programs bring along as DLLs, by their public interfaces. */
#include "annotations.h"
#include <stdio.h>

/* ---- zlib */
typedef struct z_stream_s {
    const unsigned char *next_in;
    unsigned int avail_in;
    unsigned long total_in;
    unsigned char *next_out;
    unsigned int avail_out;
    unsigned long total_out;
    const char *msg;
    void *state, *zalloc, *zfree, *opaque;
    int data_type;
    unsigned long adler;
    unsigned long reserved;
} z_stream, *z_streamp;
unsigned long __cdecl crc32(unsigned long crc, _In_reads_bytes_(len) const unsigned char *buf, unsigned int len);
unsigned long __cdecl adler32(unsigned long adler, _In_reads_bytes_(len) const unsigned char *buf, unsigned int len);
unsigned long __cdecl crc32_combine(unsigned long crc1, unsigned long crc2, long len2);
const char *__cdecl zlibVersion(void);
unsigned long __cdecl zlibCompileFlags(void);
const char *__cdecl zError(int err);
unsigned long __cdecl compressBound(unsigned long sourceLen);
int __cdecl compress(_Out_writes_bytes_(destLen) unsigned char *dest, _Inout_ unsigned long *destLen, _In_reads_bytes_(sourceLen) const unsigned char *source, unsigned long sourceLen);
int __cdecl compress2(_Out_writes_bytes_(destLen) unsigned char *dest, _Inout_ unsigned long *destLen, _In_reads_bytes_(sourceLen) const unsigned char *source, unsigned long sourceLen, int level);
int __cdecl uncompress(_Out_writes_bytes_(destLen) unsigned char *dest, _Inout_ unsigned long *destLen, _In_reads_bytes_(sourceLen) const unsigned char *source, unsigned long sourceLen);
int __cdecl deflateInit_(_Inout_ z_streamp strm, int level, const char *version, int stream_size);
int __cdecl deflateInit2_(_Inout_ z_streamp strm, int level, int method, int windowBits, int memLevel, int strategy, const char *version, int stream_size);
int __cdecl deflate(_Inout_ z_streamp strm, int flush);
int __cdecl deflateEnd(_Inout_ z_streamp strm);
int __cdecl deflateReset(_Inout_ z_streamp strm);
int __cdecl deflateParams(_Inout_ z_streamp strm, int level, int strategy);
unsigned long __cdecl deflateBound(_Inout_ z_streamp strm, unsigned long sourceLen);
int __cdecl inflateInit_(_Inout_ z_streamp strm, const char *version, int stream_size);
int __cdecl inflateInit2_(_Inout_ z_streamp strm, int windowBits, const char *version, int stream_size);
int __cdecl inflate(_Inout_ z_streamp strm, int flush);
int __cdecl inflateEnd(_Inout_ z_streamp strm);
int __cdecl inflateReset(_Inout_ z_streamp strm);
int __cdecl inflateReset2(_Inout_ z_streamp strm, int windowBits);
int __cdecl inflateValidate(_Inout_ z_streamp strm, int check);
void *__cdecl gzopen(const char *path, const char *mode);
int __cdecl gzread(void *file, _Out_writes_bytes_(len) void *buf, unsigned int len);
int __cdecl gzwrite(void *file, _In_reads_bytes_(len) const void *buf, unsigned int len);
int __cdecl gzclose(void *file);

/* ---- libgpg-error */
typedef unsigned int gpg_error_t;
typedef unsigned int gpg_err_code_t;
typedef void *gpgrt_stream_t, *gpgrt_b64state_t, *gpgrt_lock_t;
gpg_error_t __cdecl gpg_err_init(void);
void __cdecl gpg_err_set_errno(int err);
gpg_err_code_t __cdecl gpg_err_code_from_errno(int err);
gpg_err_code_t __cdecl gpg_err_code_from_syserror(void);
const char *__cdecl gpg_error_check_version(const char *req_version);
const char *__cdecl gpg_strerror(gpg_error_t err);
const char *__cdecl gpg_strsource(gpg_error_t err);
const char *__cdecl _gpg_w32_bindtextdomain(const char *domainname, const char *dirname);
const char *__cdecl _gpg_w32_gettext(const char *msgid);
const char *__cdecl _gpg_w32_gettext_localename(void);
const char *__cdecl _gpg_w32_textdomain(const char *domainname);
int __cdecl gpgrt_argparse(void *fp, _Inout_ void *arg, _In_ void *opts);
void __cdecl gpgrt_usage(int level);
const char *__cdecl gpgrt_strusage(int level);
void __cdecl gpgrt_set_strusage(void *f);
void __cdecl gpgrt_log_error(const char *fmt, ...);
void __cdecl gpgrt_log_set_prefix(const char *text, unsigned int flags);
void __cdecl gpgrt_w32_override_locale(const char *prefix, unsigned short langid);
gpgrt_b64state_t __cdecl gpgrt_b64dec_start(const char *title);
gpg_error_t __cdecl gpgrt_b64dec_proc(gpgrt_b64state_t state, _Inout_updates_bytes_(length) void *buffer, size_t length, _Out_ size_t *r_nbytes);
gpg_error_t __cdecl gpgrt_b64dec_finish(gpgrt_b64state_t state);
gpgrt_stream_t __cdecl gpgrt_fopenmem(size_t memlimit, const char *mode);
int __cdecl gpgrt_fclose(gpgrt_stream_t stream);
int __cdecl gpgrt_fclose_snatch(gpgrt_stream_t stream, _Out_ void **r_buffer, _Out_ size_t *r_buflen);
int __cdecl gpgrt_ferror(gpgrt_stream_t stream);
int __cdecl gpgrt_fprintf(gpgrt_stream_t stream, const char *format, ...);
size_t __cdecl gpgrt_fwrite(_In_ const void *ptr, size_t size, size_t nitems, gpgrt_stream_t stream);
void __cdecl gpgrt_rewind(gpgrt_stream_t stream);
void __cdecl gpgrt_get_syscall_clamp(_Out_ void **r_pre, _Out_ void **r_post);
gpg_err_code_t __cdecl gpgrt_lock_init(_Inout_ gpgrt_lock_t *lock);
gpg_err_code_t __cdecl gpgrt_lock_lock(_Inout_ gpgrt_lock_t *lock);
gpg_err_code_t __cdecl gpgrt_lock_unlock(_Inout_ gpgrt_lock_t *lock);
gpg_err_code_t __cdecl gpgrt_lock_destroy(_Inout_ gpgrt_lock_t *lock);

/* ---- libgcrypt */
typedef void *gcry_mpi_t;
const char *__cdecl gcry_check_version(const char *req_version);
gpg_error_t __cdecl gcry_control(int cmd, ...);
void __cdecl gcry_free(void *memory);
gcry_mpi_t __cdecl gcry_mpi_new(unsigned int nbits);
gcry_mpi_t __cdecl gcry_mpi_copy(gcry_mpi_t a);
gcry_mpi_t __cdecl gcry_mpi_set(gcry_mpi_t w, gcry_mpi_t u);
gcry_mpi_t __cdecl gcry_mpi_set_ui(gcry_mpi_t w, unsigned long u);
void __cdecl gcry_mpi_release(gcry_mpi_t a);
void __cdecl gcry_mpi_add(gcry_mpi_t w, gcry_mpi_t u, gcry_mpi_t v);
void __cdecl gcry_mpi_add_ui(gcry_mpi_t w, gcry_mpi_t u, unsigned long v);
void __cdecl gcry_mpi_sub(gcry_mpi_t w, gcry_mpi_t u, gcry_mpi_t v);
void __cdecl gcry_mpi_mul(gcry_mpi_t w, gcry_mpi_t u, gcry_mpi_t v);
void __cdecl gcry_mpi_mulm(gcry_mpi_t w, gcry_mpi_t u, gcry_mpi_t v, gcry_mpi_t m);
void __cdecl gcry_mpi_div(gcry_mpi_t q, gcry_mpi_t r, gcry_mpi_t dividend, gcry_mpi_t divisor, int round);
void __cdecl gcry_mpi_mod(gcry_mpi_t r, gcry_mpi_t dividend, gcry_mpi_t divisor);
void __cdecl gcry_mpi_powm(gcry_mpi_t w, gcry_mpi_t b, gcry_mpi_t e, gcry_mpi_t m);
int __cdecl gcry_mpi_gcd(gcry_mpi_t g, gcry_mpi_t a, gcry_mpi_t b);
int __cdecl gcry_mpi_invm(gcry_mpi_t x, gcry_mpi_t a, gcry_mpi_t m);
unsigned int __cdecl gcry_mpi_get_nbits(gcry_mpi_t a);
void __cdecl gcry_mpi_lshift(gcry_mpi_t x, gcry_mpi_t a, unsigned int n);
void __cdecl gcry_mpi_rshift(gcry_mpi_t x, gcry_mpi_t a, unsigned int n);
gpg_error_t __cdecl gcry_mpi_scan(_Out_ gcry_mpi_t *ret_mpi, int format, _In_reads_bytes_(buflen) const void *buffer, size_t buflen, _Out_ size_t *nscanned);
gpg_error_t __cdecl gcry_mpi_aprint(int format, _Out_ unsigned char **buffer, _Out_ size_t *nwritten, gcry_mpi_t a);
gpg_error_t __cdecl gcry_prime_check(gcry_mpi_t x, unsigned int flags);
